import type { Entity, Graph } from "./graph";
import { instant } from "./time";

type Change = { statement: string };
type Props = { before: Graph; after: Graph; from: number; to: number };

/** What the answer at one time has that the one at the other has not. */
export function Changes({ before, after, from, to }: Props) {
  const [appeared, ended] = [without(after, before), without(before, after)];
  return (
    <div className="changes" role="status">
      <p>
        From {instant(from)} to {instant(to)}:
      </p>
      <h3>Appeared</h3>
      <ul data-appeared>{items(appeared)}</ul>
      <h3>Ended</h3>
      <ul data-ended>{items(ended)}</ul>
    </div>
  );
}

function items(changes: Change[]) {
  if (changes.length === 0) return <li className="none">Nothing</li>;
  return changes.map(({ statement }, index) => <li key={index}>{statement}</li>);
}

/** The facts of one graph that another has not, and its new entities that no fact is about. */
function without(graph: Graph, other: Graph): Change[] {
  const facts = new Set(other.facts.map(({ identity }) => identity));
  const entities = new Set(other.entities.map(named));
  const joined = new Set(graph.facts.flatMap(({ subject, object }) => [subject, object]));
  return [
    ...graph.facts.filter(({ identity }) => !facts.has(identity)),
    ...graph.entities
      .filter((entity) => !joined.has(entity) && !entities.has(named(entity)))
      .map(({ name }) => ({ statement: name })),
  ];
}

function named({ key, name }: Entity): string {
  return key ?? name;
}
