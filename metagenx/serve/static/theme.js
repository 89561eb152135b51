// Dark or light: as the system is set, until somebody presses the switch here.
const system = window.matchMedia("(prefers-color-scheme: light)");

function stored() {
  try { return localStorage.getItem("light"); } catch { return null; /* private window */ }
}

const show = (light) => document.documentElement.classList.toggle("light", light);

export function switchTheme() {
  const light = !document.documentElement.classList.contains("light");
  show(light);
  try { localStorage.setItem("light", light ? "1" : ""); } catch { /* private window */ }
  window.dispatchEvent(new Event("theme"));
}

const begin = () => { show(stored() === null ? system.matches : stored() === "1"); window.dispatchEvent(new Event("theme")); };
system.addEventListener("change", begin);
begin();
