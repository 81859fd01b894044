import { useGraphiQL } from "@graphiql/react";
import { useMemo, useState } from "react";

import { type Last, usePrevious } from "../last";
import { Changes } from "./changes";
import { type Graph, graphOf } from "./graph";
import { Slider } from "./slider";
import { thingsOf, type Value } from "./things";
import { type Given, isFixed, momentOf, spanOf, timesIn, timeVariable } from "./time";

type Props = { last: Last; things: Value; graph: Graph };
type Seen = { times: Set<number>; given: Given };

/** What is known of each query's span: it must not shrink where fewer facts hold. */
const seenIn = new Map<string, Seen>();

/** The time of an operation: a slider, and what changed when it was moved. */
export function Time({ last, things, graph }: Props) {
  const query = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.query);
  const variable = useMemo(() => timeVariable(last), [last]);
  // In another tab the slider would run that tab's operation.
  if (query !== last.query) return null;
  if (variable !== null) return <Travel {...{ last, things, graph, variable }} />;
  return isFixed(last) ? (
    <p>
      Make the time a variable, as in <code>validAt: $at</code>, and there is a slider for it here.
    </p>
  ) : null;
}

function Travel({ last, things, graph, variable }: Props & { variable: string }) {
  const schema = useGraphiQL((state) => state.schema);
  const previous = usePrevious();
  const before = useMemo(() => previous && graphOf(thingsOf(previous, schema)), [previous, schema]);
  const [, setGiven] = useState<Given>({}); // draws the slider anew
  const moment = momentOf(last, variable);
  const seen = seenIn.get(last.query) ?? { times: new Set(), given: {} };
  seenIn.set(last.query, seen);
  for (const time of [...timesIn(things), moment]) seen.times.add(time);

  function give(given: Given) {
    seen.given = { ...seen.given, ...given };
    setGiven(seen.given);
  }

  return (
    <>
      <Slider variable={variable} moment={moment} span={spanOf([...seen.times], seen.given)} onSpan={give} />
      {previous && before && (
        <Changes before={before} after={graph} from={momentOf(previous, variable)} to={moment} />
      )}
    </>
  );
}
