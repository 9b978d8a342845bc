// Who has a case open, looks at it, types in it: beside its head, and as an eye on its row.
import { rowOf } from "./list.js";
import { me } from "./me.js";
import { say } from "./words.js";

const known = new Map(); // topic → people

const initials = (name) => {
  const words = name.split(/\s+/).filter(Boolean);
  return ((words[0]?.[0] || "?") + (words.length > 1 ? words.at(-1)[0] : words[0]?.[1] || "")).toUpperCase();
};
// As what somebody is there, where that is another thing than working: who leads and looks on watches, and is seen to.
const ROLES = { executive: "executive", lead: "as_lead", supervisor: "as_supervisor", helping: "as_helping" };
const doing = ({ role, state }) => say((role === "lead" || role === "supervisor") && state !== "typing" ? "watches" : state);
const sentence = (person) => `${person.name} ${doing(person)}${ROLES[person.role] ? ` (${say(ROLES[person.role])})` : ""}`;

function badge(person) {
  const who = document.createElement("span");
  who.className = `who ${person.state}`;
  who.title = sentence(person);
  who.textContent = initials(person.name);
  const words = document.createElement("span");
  words.className = "unseen";
  words.textContent = ` ${sentence(person)}`;
  who.append(words);
  if (!ROLES[person.role]) return [who];
  who.classList.add(person.role === "executive" ? "exec" : "leads");
  const role = document.createElement("span");
  role.className = "role";
  role.setAttribute("aria-hidden", "true");
  role.textContent = say(ROLES[person.role]);
  return [who, role];
}

export function showPeople({ topic, people }) {
  known.set(topic, people);
  const others = people.filter((person) => String(person.id) !== me);
  document.querySelectorAll(`[data-presence="${CSS.escape(topic)}"]`).forEach((place) => place.replaceChildren(...others.flatMap(badge)));
  eyes(topic, others);
  if (topic === `case.${document.getElementById("composer")?.dataset.case}`) types(others.filter((person) => person.state === "typing"));
}

// Beside one's own words: who else is writing here right now.
function types(writers) {
  const place = document.querySelector("#composer [data-types]");
  const words = writers.map((person) => say("types_now", person.name)).join(", ");
  if (place && place.textContent !== words) place.textContent = words;
}

function eyes(topic, others) {
  const number = topic.startsWith("case.") ? topic.slice(5) : "";
  const place = number && rowOf(number)?.querySelector(".eyes");
  if (!place) return;
  place.classList.toggle("typing", others.some((person) => person.state === "typing"));
  place.title = others.map(sentence).join(", ");
  place.replaceChildren();
  if (!others.length) return;
  const icon = document.getElementById(others.some((p) => p.state === "typing") ? "icon-pen" : "icon-eye");
  place.append(icon.content.cloneNode(true));
  const words = document.createElement("span");
  words.className = "unseen";
  words.textContent = place.title;
  place.append(words);
}

// A part of the page was rendered anew: what is known of its people is put in.
export function showKnownPeople() {
  known.forEach((people, topic) => showPeople({ topic, people }));
}
export const forgetPeople = () => known.clear();
