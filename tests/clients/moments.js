// One entity and one fact as of several moments, all through one cache that normalises by id:
// asked for in one operation, then one moment after another, then each thing again by its id.
// Arguments: the URL, the client (apollo or urql), and two instants; a third moment is now.
import { warnings } from './warnings.js';
import { tell } from './questions.js';
import * as apollo from './cache_apollo.js';
import * as urql from './cache_urql.js';

const [url, client, early, late] = process.argv.slice(2);
const { open } = { apollo, urql }[client];
const MOMENTS = { early, late, now: null };

const found = await open(url).ask('{ entity(key: "person/alan-shepard") { id } }');
const around = JSON.stringify(found.entity.id);

// No argument of these fields tells the moment: a cache could mix them up, were it not for the ids.
const SEEN = {
  Snapshot: `{
    id
    entity(key: "person/alan-shepard") { ...EntitySeen }
    fact(key: "fact/alan-shepard-assigned-to-apollo-13") { ...FactSeen }
    subgraph(around: [${around}], predicates: ["ASSIGNED_TO"]) {
      entities { id key }
      facts { id key }
    }
  }`,
  Entity: `{
    id key
    facts(predicates: ["ASSIGNED_TO"]) { totalCount edges { node { ...FactSeen } } }
  }`,
  Fact: '{ id key validTo retractedAt subject { id key } }',
};
const fragment = (type) => `fragment ${type}Seen on ${type} ${SEEN[type]}`;
const FACT = fragment('Fact');
const ENTITY = fragment('Entity') + FACT;
const SNAPSHOT = fragment('Snapshot') + ENTITY;

const TOGETHER = `query Together($early: DateTime, $late: DateTime) {
  early: snapshot(validAt: $early, knownAt: $early) { ...SnapshotSeen }
  late: snapshot(validAt: $late, knownAt: $late) { ...SnapshotSeen }
  now: snapshot { ...SnapshotSeen }
} ${SNAPSHOT}`;
const ALONE = `query Alone($at: DateTime) {
  snapshot(validAt: $at, knownAt: $at) { ...SnapshotSeen }
} ${SNAPSHOT}`;
const again = (type, fragments) => `query Again($id: ID!) {
  node(id: $id) { ...${type}Seen }
} ${fragments}`;

async function inTurn(from) {
  const seen = {};
  for (const [moment, at] of Object.entries(MOMENTS)) {
    seen[moment] = (await from(ALONE, { at })).snapshot;
  }
  return seen;
}

async function byId(from, { id, entity, fact }) {
  const node = async (document, id) => (await from(document, { id })).node;
  return {
    ...(await node(again('Snapshot', SNAPSHOT), id)),
    entity: await node(again('Entity', ENTITY), entity.id),
    fact: await node(again('Fact', FACT), fact.id),
  };
}

const one = open(url);
const asked = await one.ask(TOGETHER, { early, late });
tell('together', { asked, read: await one.read(TOGETHER, { early, late }) });

const { ask, read } = open(url);
tell('in turn', { asked: await inTurn(ask), read: await inTurn(read) });

const refetched = {};
for (const [moment, snapshot] of Object.entries(await inTurn(read))) {
  refetched[moment] = await byId(ask, snapshot);
}
tell('again', { asked: refetched, read: await inTurn(read) });

tell('warnings', warnings);
