// The server: requests, the socket that brings files, and the one that tells what happens.

export class Refused extends Error {
  constructor(described) {
    super(described.message || "something went wrong");
    Object.assign(this, described);
  }
}

export async function ask(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused({ message: "the server does not answer", hint: "Is it running? This page connects again by itself." });
  }
  if (response.status === 401) location.href = "/login";
  const found = await response.json().catch(() => ({ error: { message: `the server answers ${response.status}` } }));
  if (!response.ok) throw new Refused(found.error || { message: `the server answers ${response.status}` });
  return found;
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);

const address = (path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

const PIECE = 256 * 1024;
const AHEAD = 4 * 1024 * 1024; // bytes that may wait in the browser

export function upload(file, onProgress) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address("/ws/upload"));
    socket.binaryType = "arraybuffer";
    let done = false;
    const send = async () => {
      socket.send(JSON.stringify({ name: file.name, bytes: file.size }));
      for (let at = 0; at < file.size && socket.readyState === WebSocket.OPEN; at += PIECE) {
        socket.send(await file.slice(at, at + PIECE).arrayBuffer());
        while (socket.bufferedAmount > AHEAD) await new Promise((later) => setTimeout(later, 20));
      }
    };
    socket.onopen = () => send().catch(() => socket.close());
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.received !== undefined) onProgress(message.received, message.bytes);
      if (message.file) { done = true; resolve(message.file); }
      if (message.error) { done = true; reject(new Refused(message.error)); }
    };
    socket.onclose = () => done || reject(new Refused({ message: "the connection was lost before the file had arrived", hint: "Drop it again." }));
  });
}

// Watches jobs; connects again by itself, and gets the whole state then.
export class Watch {
  constructor(onMessage, onLink) {
    this.onMessage = onMessage;
    this.onLink = onLink;
    this.jobs = [];
    this.wait = 250;
    this.connect();
    setInterval(() => this.socket.readyState === WebSocket.OPEN && Date.now() - this.heard > 75000 && this.socket.close(), 10000);
  }

  connect() {
    this.socket = new WebSocket(address("/ws/watch"));
    this.heard = Date.now();
    this.socket.onopen = () => {
      this.wait = 250;
      this.onLink(true);
      this.tell();
    };
    this.socket.onmessage = (event) => {
      this.heard = Date.now();
      this.onMessage(JSON.parse(event.data));
    };
    this.socket.onclose = () => {
      this.onLink(false);
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(4000, this.wait * 1.6);
    };
  }

  watch(jobs) {
    this.jobs = jobs;
    this.tell();
  }

  tell() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ watch: this.jobs }));
  }
}
