import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // Relative addresses: the gateway may be served beneath a prefix.
  base: "./",
  worker: { format: "es" },
  build: {
    outDir: "../assets",
    emptyOutDir: true,
    target: "es2022",
    license: { fileName: "licenses.md" }, // of what is bundled, which asks to be named
    chunkSizeWarningLimit: 5000, // the editor is one large piece
    rolldownOptions: {
      // Hints of GraphiQL's own compiler, which has run before us.
      checks: { moduleLevelDirective: false },
      // GraphiQL says what an icon shows by the name of its function.
      output: { keepNames: true },
    },
  },
});
