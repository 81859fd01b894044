import { type MouseEvent, type PointerEvent, useEffect, useRef, useState } from "react";

import type { Box } from "./layout";

/** Pixels that a hand may slip in a click. */
const DRAGGED = 5;

/** An svg's viewBox that the wheel zooms and dragging moves; a new box begins anew. */
export function useView(box: Box) {
  const ref = useRef<SVGSVGElement>(null);
  const travelled = useRef(0);
  const [view, setView] = useState(box);
  const [shown, setShown] = useState(box);
  if (shown !== box) {
    setShown(box);
    setView(box);
  }

  useEffect(() => {
    const svg = ref.current;
    function zoom(event: WheelEvent) {
      event.preventDefault(); // else the panel would scroll; React's own listener cannot prevent it
      const scale = Math.exp(event.deltaY / 500);
      const under = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg?.getScreenCTM()?.inverse());
      setView(({ x, y, width, height }) => ({
        x: under.x + (x - under.x) * scale,
        y: under.y + (y - under.y) * scale,
        width: width * scale,
        height: height * scale,
      }));
    }
    svg?.addEventListener("wheel", zoom, { passive: false });
    return () => svg?.removeEventListener("wheel", zoom);
  }, []);

  function drag({ buttons, movementX, movementY, currentTarget }: PointerEvent<SVGSVGElement>) {
    if (!(buttons & 1)) return;
    travelled.current += Math.abs(movementX) + Math.abs(movementY);
    const { clientWidth, clientHeight } = currentTarget;
    setView((now) => {
      const scale = Math.max(now.width / clientWidth, now.height / clientHeight);
      return { ...now, x: now.x - movementX * scale, y: now.y - movementY * scale };
    });
  }

  return {
    ref,
    viewBox: `${view.x} ${view.y} ${view.width} ${view.height}`,
    onPointerDown: () => {
      travelled.current = 0;
    },
    onPointerMove: drag,
    onClickCapture: (event: MouseEvent) => {
      if (travelled.current > DRAGGED) event.stopPropagation(); // whoever drags a node does not choose it
    },
  };
}
