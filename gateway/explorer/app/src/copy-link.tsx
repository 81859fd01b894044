import { ToolbarButton, useGraphiQL } from "@graphiql/react";
import { useEffect, useState } from "react";

import { toLink } from "./link";

const SHOWN_MS = 2000;

/** A button that puts a link to this operation on the clipboard and in the address bar. */
export function CopyLink() {
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));
  const [said, say] = useState("");

  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);

  async function copy() {
    const query = queryEditor?.getValue() ?? "";
    const link = toLink({ query, variables: variableEditor?.getValue() ?? "" });
    history.replaceState(null, "", link);
    try {
      await navigator.clipboard.writeText(link);
      say("Link copied");
    } catch {
      say("The link is in the address bar"); // the clipboard is closed to pages without TLS
    }
  }

  return (
    <>
      <ToolbarButton label="Copy link" onClick={copy}>
        <LinkIcon />
      </ToolbarButton>
      <output className={said ? "said" : "said said-nothing"}>{said}</output>
    </>
  );
}

function LinkIcon() {
  return (
    <svg className="graphiql-toolbar-icon" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round">
      <path d="M10 14a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 0 0-5.7-5.7L12.5 5.8" />
      <path d="M14 10a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 0 0 5.7 5.7l1.1-1.1" />
    </svg>
  );
}
