import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./style.css";
import "./workers";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Explorer } from "./explorer";

const place = document.getElementById("explorer");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <Explorer />
    </StrictMode>,
  );
}
