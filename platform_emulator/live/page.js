// The page, kept up to date once a second. All that comes from elsewhere becomes text, never markup.
"use strict";

const PERIOD_MS = 1000;
const ENDED = new Set(["completed", "failed", "timeout", "cancelled"]);
const executionRows = new Map();
const requestRows = new Map();
const faultKinds = new Map();
const find = (id) => document.getElementById(id);

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function clock(at) {
  return new Date(at * 1000).toLocaleTimeString([], { hour12: false });
}

function lasted(seconds) {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

// ── executions ──

function executionRow(execution) {
  const status = made("span", { className: "status" });
  const track = made("div", { className: "track" });
  const name = made("span", { className: "name", textContent: `${execution.component} ` });
  name.append(made("code", { className: "faint", textContent: execution.id.slice(0, 8), title: execution.id }));
  const told = made("pre");
  const row = made("li", {}, made("details", {}, made("summary", {}, name, status, track), told));
  return { row, status, track, told };
}

function drawn(track, execution, now, span) {
  const place = (at) => Math.min(Math.max((at - (now - span)) / span, 0), 1) * 100;
  const end = execution.finished_at ?? now;
  const parts = [["pending", execution.created_at, execution.started_at ?? end]];
  if (execution.started_at !== null) {
    parts.push(["running", execution.started_at, end]);
  }
  if (ENDED.has(execution.status)) {
    parts.push([`end ${execution.status}`, end, end]);
  }
  track.replaceChildren(...parts.map(([state, from, to]) => {
    const part = made("i", { className: state });
    part.style.left = `min(${place(from)}%, 100% - 6px)`;
    part.style.width = `${place(to) - place(from)}%`;
    return part;
  }));
}

function showExecutions(state) {
  const span = Number(find("span").value);
  const known = new Set();
  for (const execution of state.executions) {
    known.add(execution.id);
    if (!executionRows.has(execution.id)) {
      executionRows.set(execution.id, executionRow(execution));
      find("executions").prepend(executionRows.get(execution.id).row);
    }
    const { status, track, told } = executionRows.get(execution.id);
    const seconds = (execution.finished_at ?? state.now) - execution.created_at;
    const progress = execution.progress === null ? "" : ` ${Math.round(execution.progress * 100)} %`;
    status.className = `status ${execution.status}`;
    status.textContent = `${execution.status}${progress} · ${lasted(seconds)}`;
    told.textContent = `${execution.id}\nsubmitted ${clock(execution.created_at)}\n${execution.told}`;
    drawn(track, execution, state.now, span);
  }
  forget(executionRows, known);
  find("executions-count").textContent = counted(state.executions.length, state.executions_count);
  find("no-executions").hidden = state.executions_count > 0;
}

// ── requests ──

function requestRow(request) {
  const name = made("span", { className: "name mono", textContent: `${request.method} ${request.target}`, title: request.target });
  const when = made("span", { className: "faint", textContent: clock(request.at) });
  const summary = made("summary", {}, name, when);
  if (request.fault !== null) {
    summary.append(made("span", { className: "status failed", textContent: `met: ${request.fault}` }));
  }
  return { row: made("li", {}, made("details", {}, summary, made("pre", { textContent: request.text }))) };
}

function showRequests(state) {
  for (const request of state.requests) {
    if (!requestRows.has(request.number)) {
      requestRows.set(request.number, requestRow(request));
      find("requests").prepend(requestRows.get(request.number).row);
    }
  }
  forget(requestRows, new Set(state.requests.map((request) => request.number)));
  find("requests-count").textContent = counted(state.requests.length, state.requests_count);
  find("no-requests").hidden = state.requests_count > 0;
}

// ── faults ──

function showFaults(state) {
  if (faultKinds.size === 0) {
    for (const [kind, fields] of Object.entries(state.kinds)) {
      faultKinds.set(kind, fields);
      find("inject").kind.append(made("option", { value: kind, textContent: kind }));
    }
    showFields();
  }
  find("faults").replaceChildren(...state.faults.map((fault) => made("li", { className: "mono", textContent: fault })));
  find("no-faults").hidden = state.faults.length > 0;
}

function showFields() {
  const fields = Object.entries(faultKinds.get(find("inject").kind.value));
  find("fields").replaceChildren(...fields.map(([name, field]) => {
    const input = field.choices
      ? made("select", { name }, ...field.choices.map((choice) => made("option", { value: choice, textContent: choice })))
      : made("input", { name, required: field.needed, type: field.number ? "number" : "text", step: "any", autocomplete: "off" });
    input.dataset.number = field.number ? "yes" : "";
    return made("label", {}, `${name} `, input);
  }));
}

async function inject(event) {
  event.preventDefault();
  const fault = {};
  for (const input of event.target.elements) {
    if (input.name && input.value.trim() !== "") {
      const isNumber = input.name === "times" || input.dataset.number === "yes";
      fault[input.name] = isNumber ? Number(input.value) : input.value.trim();
    }
  }
  const said = find("injected");
  try {
    const answer = await fetch("/_emulator/faults", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fault),
    });
    said.textContent = answer.ok ? `injected: ${fault.kind}` : (await answer.json()).message;
    said.className = answer.ok ? "" : "refused";
  } catch {
    said.textContent = "the emulator does not answer";
    said.className = "refused";
  }
  await look();
}

// ── once a second ──

function counted(shown, all) {
  return all > shown ? `the latest ${shown} of ${all}` : `${all}`;
}

function forget(rows, known) {
  for (const [key, { row }] of rows) {
    if (!known.has(key)) {
      row.remove();
      rows.delete(key);
    }
  }
}

async function look() {
  const connection = find("connection");
  try {
    const answer = await fetch("/_emulator/state.json");
    const state = await answer.json();
    if (!answer.ok) {
      throw new Error(state.message);
    }
    showFaults(state);
    showExecutions(state);
    showRequests(state);
    connection.className = "";
    connection.textContent = `live, ${clock(state.now)}`;
  } catch {
    connection.className = "lost";
    connection.textContent = "the emulator does not answer: it has ended, or another one is at this address";
  }
}

async function keepLooking() {
  if (!document.hidden) {
    await look();
  }
  setTimeout(keepLooking, PERIOD_MS);
}

find("inject").addEventListener("submit", inject);
find("inject").kind.addEventListener("change", showFields);
find("span").addEventListener("change", look);
keepLooking();
