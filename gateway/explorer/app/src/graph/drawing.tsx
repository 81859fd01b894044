import { type KeyboardEvent, useMemo } from "react";

import type { Entity, Fact, Graph } from "./graph";
import { around, placed, type Point } from "./layout";
import { useView } from "./view";

const RADIUS = 9;
const COLOURS = 6;
/** A type keeps its colour from answer to answer: its place in the order of first sight. */
const typesSeen: string[] = [];
/** Of more facts than these the words would only cover each other; each has them as its title. */
const LABELLED = 24;

type Drawn = Fact & { subject: Entity; object: Entity };

/** Whether a fact's ends are known: of others there is no edge. */
export function isDrawn(fact: Fact): fact is Drawn {
  return fact.subject !== null && fact.object !== null;
}

/** Entities as nodes, facts as edges; the wheel zooms, dragging moves. */
export function Drawing({ graph, onChoose }: { graph: Graph; onChoose(entity: Entity): void }) {
  const points = useMemo(() => placed(graph), [graph]);
  const types = useMemo(() => [...new Set(graph.entities.map(({ type }) => type ?? ""))], [graph]);
  const box = useMemo(() => around(points), [points]);
  const view = useView(box);
  const drawn = graph.facts.filter(isDrawn);
  return (
    <>
      <svg className="graph" role="group" aria-label="Entities and facts" {...view}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0l8 4-8 4z" />
          </marker>
        </defs>
        {drawn.map((fact, index) => (
          <Edge
            key={index}
            fact={fact}
            from={points[fact.subject.index] as Point}
            to={points[fact.object.index] as Point}
            bend={drawn.slice(0, index).filter((other) => isBeside(fact, other)).length}
            isLabelled={drawn.length <= LABELLED}
          />
        ))}
        {graph.entities.map((entity) => (
          <Node
            key={entity.index}
            entity={entity}
            at={points[entity.index] as Point}
            colour={colourOf(entity.type)}
            onChoose={onChoose}
          />
        ))}
      </svg>
      <ul className="legend" aria-label="Types">
        {types.filter(Boolean).map((type) => (
          <li key={type} data-colour={colourOf(type)}>
            {type}
          </li>
        ))}
      </ul>
    </>
  );
}

type NodeProps = { entity: Entity; at: Point; colour: number; onChoose(entity: Entity): void };

function Node({ entity, at, colour, onChoose }: NodeProps) {
  function press(event: KeyboardEvent) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onChoose(entity);
  }
  return (
    <g
      data-node={entity.key ?? entity.name}
      data-colour={colour}
      role="button"
      tabIndex={0}
      aria-label={entity.name}
      transform={`translate(${at.x} ${at.y})`}
      onClick={() => onChoose(entity)}
      onKeyDown={press}
    >
      <title>{entity.type ? `${entity.name} (${entity.type})` : entity.name}</title>
      <circle r={RADIUS} />
      <text y={RADIUS + 13}>{entity.name}</text>
    </g>
  );
}

type EdgeProps = { fact: Drawn; from: Point; to: Point; bend: number; isLabelled: boolean };

function Edge({ fact, from, to, bend, isLabelled }: EdgeProps) {
  const { path, middle } = fact.subject === fact.object ? loop(from, bend) : curve(from, to, bend);
  const until = [fact.validFrom, fact.validTo].map((time) => time?.slice(0, 10) ?? "…").join(" – ");
  return (
    <g data-edge={fact.predicate} className="edge">
      <title>{fact.validFrom || fact.validTo ? `${fact.statement} (${until})` : fact.statement}</title>
      <path d={path} markerEnd={fact.isDirected ? "url(#arrow)" : undefined} />
      {isLabelled && (
        <text x={middle.x} y={middle.y}>
          {fact.predicate}
        </text>
      )}
    </g>
  );
}

function colourOf(type: string | null): number {
  if (type === null) return COLOURS; // grey
  if (!typesSeen.includes(type)) typesSeen.push(type);
  return typesSeen.indexOf(type) % COLOURS;
}

/** From rim to rim; each further edge between the same two bends more, to the other side. */
function curve(from: Point, to: Point, bend: number): { path: string; middle: Point } {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const aside = Math.ceil(bend / 2) * 26 * (bend % 2 ? 1 : -1);
  const middle = { x: (from.x + to.x) / 2 - uy * aside, y: (from.y + to.y) / 2 + ux * aside };
  const start = `${from.x + ux * RADIUS} ${from.y + uy * RADIUS}`;
  const end = `${to.x - ux * (RADIUS + 2)} ${to.y - uy * (RADIUS + 2)}`;
  // The control point lies twice as far out as the curve's middle.
  const control = `${middle.x - uy * aside} ${middle.y + ux * aside}`;
  return { path: `M${start}Q${control} ${end}`, middle };
}

function loop({ x, y }: Point, bend: number): { path: string; middle: Point } {
  const size = 26 + 10 * bend;
  const path = `M${x - RADIUS} ${y}C${x - size} ${y - 2 * size} ${x + size} ${y - 2 * size} ${x + RADIUS} ${y}`;
  return { path, middle: { x, y: y - 1.5 * size } };
}

function isBeside(one: Drawn, other: Drawn): boolean {
  return (
    (one.subject === other.subject && one.object === other.object) ||
    (one.subject === other.object && one.object === other.subject)
  );
}
