import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useRef, useState } from "react";

import type { Variables } from "../last";
import { type Given, instant, type Span } from "./time";

const PAUSE_MS = 250;

type Props = { variable: string; moment: number; span: Span; onSpan(given: Given): void };

/** The time slider: moving it runs the operation again with another value of the variable. */
export function Slider({ variable, moment, span, onSpan }: Props) {
  const [time, setTime] = useState(moment);
  const [answered, setAnswered] = useState(moment);
  if (answered !== moment) {
    setAnswered(moment);
    setTime(moment);
  }
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const runAt = useRunAt(variable);

  function move(next: number) {
    setTime(next);
    clearTimeout(timer.current);
    // Only where it comes to rest: each run is a request.
    timer.current = window.setTimeout(() => runAt(next), PAUSE_MS);
  }

  return (
    <div className="slider">
      <label>
        <span>Valid at</span>
        <input
          type="range"
          aria-label="Valid at"
          aria-valuetext={instant(time)}
          {...span}
          value={time}
          onChange={(event) => move(event.target.valueAsNumber)}
        />
      </label>
      <div className="slider-ends">
        <End label="Earliest" time={span.min} onChange={(min) => onSpan({ min })} />
        <output>{instant(time)}</output>
        <End label="Latest" time={span.max} onChange={(max) => onSpan({ max })} />
      </div>
    </div>
  );
}

type EndProps = { label: string; time: number; onChange(time: number): void };

/** One end of the span, as a day. */
function End({ label, time, onChange }: EndProps) {
  return (
    <input
      type="date"
      aria-label={label}
      value={instant(time).slice(0, 10)}
      onChange={({ target }) => target.value && onChange(Date.parse(target.value))}
    />
  );
}

function useRunAt(variable: string): (time: number) => void {
  const { run, stop } = useGraphiQLActions();
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  return (time) => {
    const variables = { ...variablesIn(variableEditor?.getValue()), [variable]: instant(time) };
    variableEditor?.setValue(JSON.stringify(variables, null, 2));
    stop(); // a run while another waits for its answer would only stop that one
    run();
  };
}

function variablesIn(text = ""): Variables {
  try {
    return JSON.parse(text) as Variables;
  } catch {
    return {};
  }
}
