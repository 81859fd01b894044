import { type GraphiQLPlugin, useGraphiQL } from "@graphiql/react";
import { useMemo } from "react";

import { type Last, useLast } from "../last";
import { useOpenTab } from "../open-tab";
import { counted } from "../text";
import { Drawing, isDrawn } from "./drawing";
import { type Entity, type Graph, graphOf } from "./graph";
import { lookup } from "./lookup";
import { thingsOf } from "./things";
import { Time } from "./travel";

/** More entities than these take too long to lay out. */
const LARGEST = 400;

/** The panel that draws the entities and facts of the last answer, and moves it through time. */
export const graphPlugin: GraphiQLPlugin = { title: "Graph", icon: Icon, content: GraphPanel };

function GraphPanel() {
  const last = useLast();
  return (
    <section aria-label="Graph" className="panel">
      <h2>Graph</h2>
      {last ? <Answered last={last} /> : <p>Run an operation to see its entities and facts.</p>}
    </section>
  );
}

function Answered({ last }: { last: Last }) {
  const schema = useGraphiQL((state) => state.schema);
  const openTab = useOpenTab();
  const things = useMemo(() => thingsOf(last, schema), [last, schema]);
  const graph = useMemo(() => capped(graphOf(things)), [things]);
  const undrawn = graph.facts.filter((fact) => !isDrawn(fact)).length;
  const choose = (entity: Entity) => openTab(lookup(entity), { run: true });
  return (
    <>
      <Time last={last} things={things} graph={graph} />
      {graph.entities.length ? (
        <>
          <p>
            {counted(graph.entities.length, "entity", "entities")}, {counted(graph.facts.length, "fact")}
            {undrawn > 0 && `, ${undrawn} without a subject and an object to draw it between`}
            {graph.isCut && `; only the first ${LARGEST} entities are drawn`}
          </p>
          <Drawing graph={graph} onChoose={choose} />
        </>
      ) : (
        <p>
          This answer holds no entities. Select <code>subject</code> and <code>object</code> of facts, or entities.
        </p>
      )}
    </>
  );
}

/** The graph, or as much of it as can be drawn. */
function capped(graph: Graph): Graph & { isCut: boolean } {
  const isCut = graph.entities.length > LARGEST;
  const isKept = (entity: Entity | null) => entity === null || entity.index < LARGEST;
  return {
    isCut,
    entities: graph.entities.slice(0, LARGEST),
    facts: graph.facts.filter(({ subject, object }) => isKept(subject) && isKept(object)),
  };
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.5">
      <circle cx="5" cy="6" r="2.5" />
      <circle cx="19" cy="9" r="2.5" />
      <circle cx="9" cy="19" r="2.5" />
      <path d="M7.5 6.500l9 2M6 8.500l2.3 8M17.5 11l-6.5 6.5" />
    </svg>
  );
}
