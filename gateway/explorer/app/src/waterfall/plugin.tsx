import type { GraphiQLPlugin } from "@graphiql/react";

import { useLast } from "../last";
import { Bars } from "./bars";
import { Totals } from "./totals";

/** The panel of the last operation's calls of stores: when each began, and how long it took. */
export const waterfallPlugin: GraphiQLPlugin = {
  title: "Waterfall",
  icon: Icon,
  content: Waterfall,
};

function Waterfall() {
  const last = useLast();
  return (
    <section aria-label="Waterfall" className="panel">
      <h2>Waterfall</h2>
      {!last && <p>Run an operation to see the calls of stores that it makes.</p>}
      {last && !last.trace && (
        <p>
          This answer has no trace: subscriptions and refused requests have none. Others have one where{" "}
          <code>http.trace</code> is on: <code>trace = true</code> beneath <code>[http]</code>, or{" "}
          <code>MEMORY_GATEWAY_HTTP__TRACE=true</code>.
        </p>
      )}
      {last?.trace && (
        <>
          <Totals trace={last.trace} />
          <Bars trace={last.trace} />
        </>
      )}
    </section>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round">
      <path d="M3 5h8M7 10h9M12 15h5M15 20h6" />
    </svg>
  );
}
