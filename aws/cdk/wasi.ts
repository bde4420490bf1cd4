// A host for the compiler: what of wasi_snapshot_preview1 a Go program asks for that reads standard input and writes standard output.
// It has no files, no environment, no network, and a clock that counts how often it is read: the compiler cannot depend on any of them. Unlike
// node:wasi it needs no temporary files and prints no warning.

const errnoSuccess = 0;
const errnoBadFile = 8;
const errnoNotSupported = 58;
const characterDevice = 2;
const tick = 1_000n; // nanoseconds from one look at the clock to the next

class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** What a run of the module left behind. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a module once, from its start to its exit, with the text as its standard input. */
export function run(module: WebAssembly.Module, input: string): Ran {
  const stdin = Buffer.from(input, 'utf8');
  const written: Record<number, Buffer[]> = { 1: [], 2: [] };
  let read = 0;
  let clock = 1_000_000_000n; // not zero: the runtime takes that for a clock that is broken
  let instance: WebAssembly.Instance;
  const memory = () => (instance.exports.memory as WebAssembly.Memory).buffer;
  const view = () => new DataView(memory());

  // each calls f with the buffers of a list of (address, length) until one is not filled or drained.
  const each = (list: number, count: number, f: (part: Uint8Array) => number): number => {
    let total = 0;
    for (let i = 0; i < count; i++) {
      const at = view().getUint32(list + 8 * i, true);
      const length = view().getUint32(list + 8 * i + 4, true);
      const done = f(new Uint8Array(memory(), at, length));
      total += done;
      if (done < length) break;
    }
    return total;
  };

  const imports: Record<string, (...args: any[]) => number> = {
    args_sizes_get: (count, bytes) => (view().setUint32(count, 0, true), view().setUint32(bytes, 0, true), errnoSuccess),
    args_get: () => errnoSuccess,
    environ_sizes_get: (count, bytes) => (view().setUint32(count, 0, true), view().setUint32(bytes, 0, true), errnoSuccess),
    environ_get: () => errnoSuccess,
    clock_time_get: (_id, _precision, out) => (view().setBigUint64(out, (clock += tick), true), errnoSuccess),
    random_get: (at, length) => (new Uint8Array(memory(), at, length).fill(0), errnoSuccess), // seeds of hash maps: nothing is secret here
    sched_yield: () => errnoSuccess,
    proc_exit: (code) => {
      throw new Exit(code);
    },
    fd_close: () => errnoSuccess,
    fd_fdstat_set_flags: () => errnoSuccess,
    fd_fdstat_get: (fd, out) => {
      if (fd > 2) return errnoBadFile;
      new Uint8Array(memory(), out, 24).fill(0);
      view().setUint8(out, characterDevice);
      view().setBigUint64(out + 8, 0xffffffffffffffffn, true);
      return errnoSuccess;
    },
    fd_read: (fd, list, count, out) => {
      if (fd !== 0) return errnoBadFile;
      const n = each(list, count, (part) => {
        const k = stdin.copy(part, 0, read, read + part.length);
        read += k;
        return k;
      });
      view().setUint32(out, n, true);
      return errnoSuccess;
    },
    fd_write: (fd, list, count, out) => {
      const to = written[fd];
      if (to === undefined) return errnoBadFile;
      const n = each(list, count, (part) => (to.push(Buffer.from(part)), part.length));
      view().setUint32(out, n, true);
      return errnoSuccess;
    },
    fd_prestat_get: () => errnoBadFile, // no folder is there
    poll_oneoff: (subscriptions, events, count, out) => {
      clock += 1_000_000n;
      for (let i = 0; i < count; i++) {
        // Whatever is waited for has come: nothing here is worth waiting for.
        view().setBigUint64(events + 32 * i, view().getBigUint64(subscriptions + 48 * i, true), true);
        new Uint8Array(memory(), events + 32 * i + 8, 24).fill(0);
        view().setUint8(events + 32 * i + 10, view().getUint8(subscriptions + 48 * i + 8));
      }
      view().setUint32(out, count, true);
      return errnoSuccess;
    },
  };
  const host: WebAssembly.ModuleImports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from === 'wasi_snapshot_preview1') host[name] = imports[name] ?? (() => errnoNotSupported);
  }
  instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: host });
  let code = 0;
  try {
    (instance.exports._start as () => void)();
  } catch (e) {
    if (!(e instanceof Exit)) throw e;
    code = e.code;
  }
  const text = (fd: number) => Buffer.concat(written[fd] ?? []).toString('utf8');
  return { code, stdout: text(1), stderr: text(2) };
}
