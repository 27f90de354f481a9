// What the pages of vsr fuse have in common.

const data = JSON.parse(find("#data").textContent);

// The command with these values; an empty one leaves its option out.
function tellCommand(values) {
  const { before, choices, after } = data.line;
  const chosen = Object.entries(choices)
    .filter(([name]) => values[name])
    .map(([name, text]) => text.split("{}").join(values[name]));
  find(".command code").textContent = [before, ...chosen, after].join("");
}
