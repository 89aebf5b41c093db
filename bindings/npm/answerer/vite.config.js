// Builds the page as an application would.

export default {
  build: { outDir: "built", emptyOutDir: true, target: "esnext", rollupOptions: { input: "page.html" } },
};
