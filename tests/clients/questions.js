// What every client asks, and how a script tells its test what came of it.

export const WHOLE = 'query Whole($key: String!) { entity(key: $key) { key name } }';

// One field fails, and its neighbour is answered.
export const PARTLY =
  'query Partly($key: String!, $id: ID!) { entity(key: $key) { key name } node(id: $id) { id } }';

// No field of this schema.
export const WRONG = 'query Wrong($key: String!) { entity(key: $key) { key nickname } }';

// The first event of each store comes at once.
export const STATUS =
  'subscription Status($names: [String!]) { storeStatusChanged(names: $names) { name status } }';
export const STRAY = 'subscription Stray { storeStatusChanged { name nickname } }';

export const VARIABLES = { key: 'person/alan-shepard' };
export const UNREADABLE = { ...VARIABLES, id: 'nonsense' };
export const STORE = { names: ['embedded'] };
export const NO_STRING = { names: [5] };
export const NO_STORE = { names: ['nowhere'] };

// A line of JSON: what it is about, and the value.
export function tell(about, value) {
  console.log(JSON.stringify([about, value]));
}
