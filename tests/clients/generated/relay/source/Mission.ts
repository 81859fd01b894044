// What relay-compiler reads. The program imports what it makes of it.
import { graphql } from 'relay-runtime';

export const plans = graphql`
  fragment Mission_plans on Entity
  @argumentDefinitions(count: { type: "Int", defaultValue: 4 }, cursor: { type: "String" })
  @refetchable(queryName: "MissionPlansPageQuery") {
    key
    facts(direction: IN, first: $count, after: $cursor) @connection(key: "Mission__facts") {
      edges {
        node {
          id
          validTo
          subject {
            name
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

export const now = graphql`
  query MissionNowQuery($key: String!, $count: Int!) {
    entity(key: $key) {
      id
      ...Mission_plans @arguments(count: $count)
    }
  }
`;

export const then = graphql`
  query MissionThenQuery($key: String!, $validAt: DateTime!, $knownAt: DateTime!) {
    snapshot(validAt: $validAt, knownAt: $knownAt) {
      entity(key: $key) {
        id
        ...Mission_plans
      }
    }
  }
`;

export const moments = graphql`
  query MissionMomentsQuery($key: String!, $early: DateTime!, $late: DateTime!) {
    early: snapshot(validAt: $early, knownAt: $early) {
      entity(key: $key) {
        id
        ...Mission_plans
      }
    }
    hindsight: snapshot(validAt: $early, knownAt: $late) {
      entity(key: $key) {
        id
        ...Mission_plans
      }
    }
    late: snapshot(validAt: $late, knownAt: $late) {
      entity(key: $key) {
        id
        ...Mission_plans
      }
    }
  }
`;

export const node = graphql`
  query MissionNodeQuery($id: ID!) {
    node(id: $id) {
      id
      ...Mission_plans @alias(as: "entity")
    }
  }
`;
