// Small things that every part of the page needs.

export const find = (id) => document.getElementById(id);

/** An element with properties, attributes (those with a dash, and `role`) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else if (name === "class") element.className = value;
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Like radio buttons: one of `items` [{value, text, title, disabled}], arrow keys move. */
export function segments(group, items, chosen, choose) {
  const key = JSON.stringify([items, chosen]);
  if (group.dataset.key === key) return;
  group.dataset.key = key;
  const focused = group.contains(document.activeElement);
  group.replaceChildren(
    ...items.map(({ value, text, title, disabled }) =>
      make("button", {
        type: "button", role: "radio", textContent: text, title: title ?? "", disabled: Boolean(disabled),
        "aria-checked": String(value === chosen), "data-value": value, tabIndex: value === chosen ? 0 : -1,
        onclick: () => choose(value),
      })
    )
  );
  group.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const open = items.filter((item) => !item.disabled);
    const at = open.findIndex((item) => item.value === chosen);
    event.preventDefault();
    event.stopPropagation();
    choose(open[(at + step + open.length) % open.length].value);
  };
  if (focused) group.querySelector('[aria-checked="true"]')?.focus();
}

/** Options of a select, kept as they are while nothing has changed. */
export function options(select, items, chosen) {
  const key = JSON.stringify(items);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...items.map(({ value, text }) => make("option", { value, textContent: text })));
  }
  if (document.activeElement !== select || select.value === "") select.value = chosen;
}

/** Text that screen readers hear only when it has changed. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An error's words, without the marks that a terminal needs around commands. */
export const plain = (text) => text.replaceAll("`", "");
export const sentence = ({ what, fix }) => [what, fix].filter(Boolean).map((text) => (/[.!?]$/.test(text) ? plain(text) : `${plain(text)}.`)).join(" ");
