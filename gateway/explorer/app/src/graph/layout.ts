// Where to draw each entity: a small force layout, run to its end before anything is drawn.
import {
  forceCenter,
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationNodeDatum,
} from "d3-force";

import type { Graph } from "./graph";

export type Point = { x: number; y: number };
export type Box = Point & { width: number; height: number };

const STEPS = 240;
const DISTANCE = 90;
const MARGIN = 60;
/** A few entities are not drawn larger than this makes them. */
const SMALLEST = { width: 420, height: 320 };

/** Where entities were drawn before, by name: those that stay do not jump when the moment changes. */
const before = new Map<string, Point>();

/** A place for each entity, by its number. */
export function placed({ entities, facts }: Graph): Point[] {
  const nodes: SimulationNodeDatum[] = entities.map(({ name }) => ({ ...before.get(name) }));
  const links = facts.flatMap(({ subject, object }) =>
    subject && object && subject !== object ? { source: subject.index, target: object.index } : [],
  );
  forceSimulation(nodes)
    .force("link", forceLink(links).distance(DISTANCE))
    .force("charge", forceManyBody().strength(-260).distanceMax(500))
    .force("collide", forceCollide(34))
    .force("center", forceCenter(0, 0))
    .force("x", forceX(0).strength(0.1))
    .force("y", forceY(0).strength(0.05))
    .stop()
    .tick(STEPS);
  const points = nodes.map(({ x = 0, y = 0 }) => ({ x, y }));
  for (const [index, { name }] of entities.entries()) before.set(name, points[index] ?? { x: 0, y: 0 });
  return points;
}

/** What has all points in it. */
export function around(points: Point[]): Box {
  const [x, width] = extent(points.map(({ x }) => x), SMALLEST.width);
  const [y, height] = extent(points.map(({ y }) => y), SMALLEST.height);
  return { x, y, width, height };
}

function extent(values: number[], smallest: number): [start: number, length: number] {
  const [first, last] = [Math.min(...values), Math.max(...values)];
  const length = Math.max(last - first + 2 * MARGIN, smallest);
  return [(first + last - length) / 2, length];
}
