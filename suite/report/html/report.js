// Two conveniences; the report can be read and printed without them.
"use strict";
// Who reads Chinese gets Chinese, unless the address says otherwise.
if (!location.hash && navigator.language.startsWith("zh")) location.replace("#zh");
// Older browsers cannot unfold for paper by style alone.
const unfolded = [];
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not([open])")) {
    folded.open = true;
    unfolded.push(folded);
  }
});
addEventListener("afterprint", () => {
  for (const folded of unfolded.splice(0)) folded.open = false;
});
