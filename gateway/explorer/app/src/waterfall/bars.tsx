import { counted, milliseconds } from "../text";
import { byLevel, type Call, span, type Trace } from "./trace";

/** One bar per call, level by level, all on the same axis of time. */
export function Bars({ trace }: { trace: Trace }) {
  const length = span(trace);
  if (trace.calls.length === 0) return <p>No store was called.</p>;
  return (
    <ol className="levels">
      {byLevel(trace.calls).map(([level, calls]) => (
        <li key={level} data-level={level}>
          <h3>Level {level}</h3>
          <ol>
            {calls.map((call, index) => (
              <Bar key={index} call={call} length={length} />
            ))}
          </ol>
        </li>
      ))}
    </ol>
  );
}

function Bar({ call, length }: { call: Call; length: number }) {
  const left = (100 * call.start) / length;
  const width = (100 * call.ms) / length;
  return (
    <li data-call data-failed={call.error ?? undefined} className="call">
      <span className="call-name">
        {call.store} · {call.role}.{call.method} × {call.size}
        {call.hits !== null && ` (${counted(call.hits, "hit")})`}
      </span>
      <span className="call-time">
        {milliseconds(call.ms)} <small>from {milliseconds(call.start)}</small>
      </span>
      {call.error && <strong className="call-error">{call.error}</strong>}
      <span className="track" aria-hidden="true">
        <span className="bar" style={{ left: `${left}%`, width: `${width}%` }} />
      </span>
    </li>
  );
}
