import { useEffect } from "react";

import { fromFragment } from "./link";
import { useOpenTab } from "./open-tab";

/** Opens the operation of a link that is followed, or pasted, while the page is open. */
export function Links() {
  const openTab = useOpenTab();
  useEffect(() => {
    function follow() {
      const link = fromFragment(location.hash);
      if (link) openTab(link);
    }
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, [openTab]);
  return null;
}
