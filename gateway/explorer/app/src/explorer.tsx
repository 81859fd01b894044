import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";

import { CopyLink } from "./copy-link";
import { examples } from "./examples";
import { examplesPlugin } from "./examples-plugin";
import { fetcher } from "./fetcher";
import { fromFragment } from "./link";
import { graphPlugin } from "./graph/plugin";
import { Links } from "./links";
import { waterfallPlugin } from "./waterfall/plugin";

// Made once: new ones would close the panel that is open.
const plugins = [HISTORY_PLUGIN, explorerPlugin({}), examplesPlugin, waterfallPlugin, graphPlugin];
const link = fromFragment(location.hash);
const defaultTabs = [...(link ? [link] : []), ...examples.map(({ query }) => ({ query }))];

/** The page: GraphiQL with our panels, the examples in its tabs. */
export function Explorer() {
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      defaultTabs={defaultTabs.length ? defaultTabs : undefined}
      initialQuery={link?.query}
      initialVariables={link?.variables}
    >
      <GraphiQL.Logo>
        <a className="graphiql-logo-link" href="schema.graphql">
          Memory Gateway
        </a>
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <CopyLink />
            <Links />
          </>
        )}
      </GraphiQL.Toolbar>
    </GraphiQL>
  );
}
