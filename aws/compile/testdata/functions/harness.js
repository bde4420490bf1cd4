// Runs CloudFront Functions: reads {id, code, event} and writes {id, result, calls, error}, each on a line. An event has the shape that
// CloudFront documents; the raw query of its request is in `raw`, if there is one. What CloudFront would answer with 502 is an error.
'use strict';
const vm = require('vm');
const crypto = require('crypto');
const readline = require('readline');

const hidden = /^(connection|expect|keep-alive|proxy-.*|trailer|upgrade|x-accel-.*|x-amz-cf-.*|x-amzn-.*|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip)$/;
const scripts = new Map();

function script(code) {
  if (!scripts.has(code)) {
    if (Buffer.byteLength(code) > 10240) throw new Error('the function is larger than 10 KB');
    const body = code.replace(/^import (\w+) from '(\w+)';$/gm, 'var $1 = modules["$2"];');
    scripts.set(code, new vm.Script('"use strict";' + body + '\nhandler(event)'));
  }
  return scripts.get(code);
}

function check(result, before) {
  if (!result || typeof result !== 'object') throw new Error('the handler returned nothing');
  for (const name of Object.keys(result.headers || {})) {
    if (name !== name.toLowerCase()) throw new Error('a field name is not in lower case: ' + name);
    const value = result.headers[name].value;
    if (typeof value !== 'string' || /[\r\n\0]/.test(value)) throw new Error('a bad value of ' + name);
    if (hidden.test(name) && !before[name]) throw new Error('a hidden field was set: ' + name);
  }
  if (result.uri !== undefined) {
    if (!/^\/[!-~]*$/.test(result.uri)) throw new Error('a bad uri: ' + result.uri);
    for (const name of ['host', 'content-length', 'transfer-encoding', 'via']) {
      if (JSON.stringify(result.headers[name]) !== JSON.stringify(before[name])) throw new Error('a fixed field was changed: ' + name);
    }
  } else if (!(result.statusCode >= 100 && result.statusCode <= 599)) throw new Error('a bad status');
  return result;
}

async function run(job) {
  const calls = [];
  const cf = {
    selectRequestOriginById: (...args) => { calls.push(['selectRequestOriginById', ...args]); },
    updateRequestOrigin: (...args) => { calls.push(['updateRequestOrigin', ...args]); },
    createRequestOriginGroup: (...args) => { calls.push(['createRequestOriginGroup', ...args]); },
    kvs: () => ({ get: async (key) => { if (job.store && key in job.store) return job.store[key]; throw new Error('not found'); } }),
  };
  const event = job.event;
  const before = JSON.parse(JSON.stringify((event.response || event.request).headers));
  const raw = event.request.raw;
  event.request.rawQueryString = () => raw;
  const context = vm.createContext({ event, modules: { cloudfront: cf, crypto } }, { codeGeneration: { strings: false, wasm: false } });
  // The time is the wall's: at one second, a test failed where Node.js did not run for so long, and passed when it was made again.
  const result = check(await script(job.code).runInContext(context, { timeout: 30000 }), before);
  return { result: JSON.parse(JSON.stringify(result)), calls };
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const job = JSON.parse(line);
  let answer;
  try { answer = await run(job); } catch (e) { answer = { error: String(e.stack || e).split('\n').slice(0, 3).join(' | ') }; }
  process.stdout.write(JSON.stringify({ id: job.id, ...answer }) + '\n');
});
