// This browser as a device that is told when no page of ours is open: asked for on the page of ways, kept known by itself.
import { csrf, memory, post } from "./me.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const box = () => document.getElementById("this-device");
const isAble = () => "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
const headers = () => ({ "X-CSRFToken": csrf(), "HX-Request": "true" });
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function ownName() {
  const known = navigator.userAgentData?.brands?.find((brand) => !/not.a.brand|chromium/i.test(brand.brand))?.brand;
  const browser = known || navigator.userAgent.match(/Firefox|Edg|Chrome|Safari/)?.[0] || "Browser";
  return `${browser} · ${navigator.userAgentData?.platform || navigator.platform || ""}`.slice(0, 80);
}

const worker = () => navigator.serviceWorker.register("/push-worker.js", { type: "module", scope: "/" });

async function tell(held) {
  const answer = await post("/notifications/devices/", { endpoint: held.endpoint, p256dh: text(held.getKey("p256dh")), auth: text(held.getKey("auth")), name: ownName() }, { headers: headers() });
  if (!answer.ok) throw new Error(await answer.text());
}

async function begin() {
  if ((await Notification.requestPermission()) !== "granted") return show();
  try {
    const place = await worker();
    await navigator.serviceWorker.ready;
    const held = (await place.pushManager.getSubscription()) || (await place.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(box().dataset.key) }));
    await tell(held);
    memory.set("device", true);
    location.reload();
  } catch (error) {
    toast(`${say("device_failed")} ${error.message || ""}`, { level: "red" });
  }
  return undefined;
}

function show() {
  const state = !isAble() ? "unable" : Notification.permission === "denied" ? "denied" : "able";
  box().querySelectorAll("[data-when]").forEach((part) => (part.hidden = part.dataset.when !== state));
}

// After a new sign-in the browser is known anew, if its person asked for it here before.
async function keepKnown() {
  if (!isAble() || !memory.get("device") || Notification.permission !== "granted") return;
  const held = await (await worker()).pushManager.getSubscription();
  if (!held) return;
  const day = new Date().toDateString();
  if (sessionStorage.getItem("device") === day) return;
  await tell(held);
  sessionStorage.setItem("device", day);
}

// Signed out, the browser tells nobody anything; the next to sign in is asked anew.
function leaving(event) {
  if (event.target.matches?.("form.leave")) sessionStorage.removeItem("device");
}

export function startDevices() {
  document.addEventListener("submit", leaving);
  keepKnown().catch(() => {});
  if (!box()) return;
  show();
  box().querySelector("[data-begin]")?.addEventListener("click", begin);
}
