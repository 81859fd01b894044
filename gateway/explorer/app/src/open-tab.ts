import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { type DocumentNode, parse, type OperationDefinitionNode } from "graphql";
import { useCallback } from "react";

import type { Link } from "./link";

/** What opens an operation in a new tab, and runs it if asked to. */
export function useOpenTab(): (link: Link, options?: { run: boolean }) => void {
  const { addTab, run, setOperationFacts } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));
  return useCallback(
    ({ query, variables }, options) => {
      addTab();
      queryEditor?.setValue(query);
      variableEditor?.setValue(variables);
      if (!options?.run) return;
      // The editor tells the store of its operations only after a while; a run needs them now.
      const operations = operationsOf(parse(query));
      setOperationFacts({
        documentAST: parse(query),
        operations,
        operationName: operations[0]?.name?.value,
      });
      run();
    },
    [addTab, run, setOperationFacts, queryEditor, variableEditor],
  );
}

function operationsOf({ definitions }: DocumentNode): OperationDefinitionNode[] {
  return definitions.filter((definition) => definition.kind === "OperationDefinition");
}
