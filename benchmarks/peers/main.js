// Executors on Node, one JSON line in, one out.
//
//   in    {memory, workloads: {name: [text, variables]}}              the first line
//   out   {executors: [name], node, versions: {package: version}}
//   in    {executor, workload, laps, executions: in each, isAnswerWanted}
//   out   {cpuMs: [of an execution, for each lap], wallMs: [the same], answer: the last, or null}

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { createExecutors } from "./executors.js";

const { dependencies: versions } = createRequire(import.meta.url)("./package.json");
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

let executors;
let workloads;

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  say(executors === undefined ? begin(asked) : await measure(asked));
}

function begin(asked) {
  executors = createExecutors(asked.memory);
  workloads = asked.workloads;
  return { executors: Object.keys(executors), node: process.version, versions };
}

async function measure({ executor, workload, laps, executions, isAnswerWanted }) {
  const execute = executors[executor];
  const [text, variables] = workloads[workload];
  const cpuMs = [];
  const wallMs = [];
  let answer;
  for (let lap = 0; lap < laps; lap++) {
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (let execution = 0; execution < executions; execution++) {
      answer = await execute(text, variables);
    }
    wallMs.push((performance.now() - began) / executions);
    const { user, system } = process.cpuUsage(cpu);
    cpuMs.push((user + system) / 1000 / executions);
  }
  return { cpuMs, wallMs, answer: isAnswerWanted ? answer.toString() : null };
}
