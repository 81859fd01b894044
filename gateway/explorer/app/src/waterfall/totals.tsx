import { counted, milliseconds } from "../text";
import { byStore, type Trace } from "./trace";

/** What the whole operation took: its calls by store, and its stages. */
export function Totals({ trace }: { trace: Trace }) {
  const { calls } = trace;
  const spent = calls.reduce((sum, { ms }) => sum + ms, 0);
  const levels = new Set(calls.map(({ level }) => level)).size;
  return (
    <div data-totals className="totals">
      <p>
        <strong>{milliseconds(trace.ms)}</strong>, {counted(calls.length, "call")} in{" "}
        {counted(levels, "level")}, {milliseconds(spent)} in stores
      </p>
      <dl>
        {byStore(calls).map(({ store, calls, ms }) => (
          <div key={store}>
            <dt>{store}</dt>
            <dd>
              {counted(calls, "call")}, {milliseconds(ms)}
            </dd>
          </div>
        ))}
      </dl>
      <h3>Stages</h3>
      <dl data-stages>
        {Object.entries(trace.stages).map(([stage, ms]) => (
          <div key={stage}>
            <dt>{stage}</dt>
            <dd>{milliseconds(ms)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
