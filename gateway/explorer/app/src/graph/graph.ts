// The entities and facts of an answer: nodes and edges.
import { get, isThing, text, type Thing, type Value } from "./things";

export type Entity = {
  /** Its number in the graph. */
  index: number;
  id: string | null;
  key: string | null;
  name: string;
  type: string | null;
};

export type Fact = {
  /** The same for the same fact in another answer: ids beneath another moment differ. */
  identity: string;
  /** Null where the answer does not say, nor its place. */
  subject: Entity | null;
  object: Entity | null;
  /** Whether subject and object are known to be this way round. */
  isDirected: boolean;
  predicate: string;
  statement: string;
  validFrom: string | null;
  validTo: string | null;
};

export type Graph = { entities: Entity[]; facts: Fact[] };
type Ends = { subject: Entity | null; object: Entity | null };

const NOWHERE: Ends = { subject: null, object: null };

/** The graph in an answer. */
export function graphOf(answer: Value): Graph {
  const finder = new Finder();
  finder.walk(answer, null, NOWHERE);
  return { entities: finder.entities, facts: [...finder.facts.values()] };
}

class Finder {
  readonly entities: Entity[] = [];
  readonly facts = new Map<string, Fact>();

  /** Find what is beneath a value: `owner` is the entity that it is of, `ends` are those that its facts join. */
  walk(value: Value, owner: Entity | null, ends: Ends): void {
    if (Array.isArray(value)) {
      for (const item of value) this.walk(item, owner, ends);
    } else if (isThing(value)) {
      this.thing(value, owner, ends);
    }
  }

  private thing(thing: Thing, owner: Entity | null, ends: Ends): void {
    if (isFact(thing)) this.fact(thing, owner, ends);
    else if (isEntity(thing)) this.entity(thing);
    else if (isPath(thing)) this.path(thing);
    else if (owner && isNeighbor(thing)) this.neighbor(thing, owner);
    else this.fields(thing, isPart(thing) ? owner : null, ends);
  }

  private fields(thing: Thing, owner: Entity | null, ends: Ends): void {
    for (const [, value] of thing.fields) this.walk(value, owner, ends);
  }

  private entity(thing: Thing): Entity {
    const found = this.entityOf(thing);
    this.fields(thing, found, NOWHERE);
    return found;
  }

  private entityOf(thing: Thing): Entity {
    const [id, key, name] = [text(thing, "id"), text(thing, "key"), text(thing, "name")];
    const named = name ?? key ?? id ?? "unnamed";
    let entity = this.entities.find((other) => isSame(other, { id, key, name }));
    if (!entity) {
      entity = { index: this.entities.length, id, key, name: named, type: null };
      this.entities.push(entity);
    }
    entity.id ??= id;
    entity.key ??= key;
    entity.type ??= text(thing, "type");
    if (name) entity.name = name;
    return entity;
  }

  private fact(thing: Thing, owner: Entity | null, ends: Ends): void {
    const subject = this.end(get(thing, "subject"));
    const object = this.end(get(thing, "object"));
    // One end alone leaves the other to the entity whose list of facts this is.
    const known: Ends =
      subject || object ? { subject: subject ?? owner, object: object ?? owner } : ends;
    this.add(thing, known, Boolean(subject || object));
    for (const [name, value] of thing.fields) {
      if (name !== "subject" && name !== "object") this.walk(value, null, NOWHERE);
    }
  }

  private end(value: Value | undefined): Entity | null {
    return isThing(value) ? this.entity(value) : null;
  }

  private add(thing: Thing | null, { subject, object }: Ends, isDirected: boolean): void {
    const field = (name: string) => (thing ? text(thing, name) : null);
    const predicate = field("predicate") ?? "";
    const words = [subject?.name, predicate || "—", object?.name].filter(Boolean).join(" ");
    const statement = field("statement") ?? words;
    const [validFrom, validTo] = [field("validFrom"), field("validTo")];
    const looks = [words, predicate, field("statement"), validFrom].join("\n");
    const identity = field("key") ?? looks;
    // Two facts may look alike where little was selected; two ids may be of one fact at two moments.
    const isTelling = field("statement") !== null || validFrom !== null;
    const number = field("key") ?? (isTelling ? looks : (field("id") ?? looks));
    if (this.facts.has(number)) return;
    const ends = { subject, object, isDirected };
    this.facts.set(number, { identity, ...ends, predicate, statement, validFrom, validTo });
  }

  /** An edge of a list of neighbours: its facts join the list's entity and the neighbour. */
  private neighbor(thing: Thing, owner: Entity): void {
    const node = this.end(get(thing, "node"));
    const facts = get(thing, "facts");
    const ends = { subject: owner, object: node };
    if (Array.isArray(facts) && facts.length) this.walk(facts, owner, ends);
    else this.add(null, ends, false);
  }

  /** A path: each fact joins the entity at its place and the next one. */
  private path(thing: Thing): void {
    const entities = listed(get(thing, "entities")).map((value) => this.end(value));
    for (const [index, fact] of listed(get(thing, "facts")).entries()) {
      const ends = { subject: entities[index] ?? null, object: entities[index + 1] ?? null };
      this.walk(fact, null, ends);
    }
  }
}

function isFact(thing: Thing): boolean {
  return (
    thing.type === "Fact" ||
    (thing.type === null && (isThing(get(thing, "subject")) || isThing(get(thing, "object"))))
  );
}

function isEntity(thing: Thing): boolean {
  const isShaped = text(thing, "name") !== null && text(thing, "type") !== null;
  return thing.type === "Entity" || (thing.type === null && isShaped);
}

function isPath(thing: Thing): boolean {
  return thing.type === "Path";
}

function isNeighbor(thing: Thing): boolean {
  return thing.type === "NeighborEdge";
}

/** Whether a thing is but a part of a list, not a thing of the memory. */
function isPart({ type }: Thing): boolean {
  return type === null || /Connection$|Edge$/.test(type);
}

/** By key if both have one, then by id, then by name: the same entity may be selected in several ways. */
function isSame(one: Entity, other: { id: string | null; key: string | null; name: string | null }): boolean {
  if (one.key !== null && other.key !== null) return one.key === other.key;
  if (one.id !== null && other.id !== null) return one.id === other.id;
  return other.name !== null && one.name === other.name;
}

function listed(value: Value | undefined): Value[] {
  return Array.isArray(value) ? value : [];
}
