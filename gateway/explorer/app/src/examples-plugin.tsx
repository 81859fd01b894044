import type { GraphiQLPlugin } from "@graphiql/react";

import { examples } from "./examples";
import { useOpenTab } from "./open-tab";

/** The panel of example queries: the tabs that the page began with, to open again. */
export const examplesPlugin: GraphiQLPlugin = {
  title: "Examples",
  icon: Icon,
  content: Examples,
};

function Examples() {
  const openTab = useOpenTab();
  return (
    <section aria-label="Examples" className="panel">
      <h2>Examples</h2>
      <ul className="choices">
        {examples.map(({ title, query }) => (
          <li key={title}>
            <button type="button" onClick={() => openTab({ query, variables: "" })}>
              {title}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
      <path d="M5 4h9l5 5v11H5z" />
      <path d="M14 4v5h5M8.5 13h7M8.5 16.500h5" />
    </svg>
  );
}
