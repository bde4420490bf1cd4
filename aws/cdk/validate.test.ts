import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CelEngine, TemplateFile } from '@aws/cloudformation-validate';
import { testdata } from './support';

/**
 * What AWS's validator says of good templates, and why it stays: rule → reason.
 */
const accepted: Record<string, string> = {
  W9002: 'an ARN that the spec names is of something outside of these stacks, so there is nothing to refer to',
  W9013: 'and it names the account that this is in, which need not be the one of these stacks',
};

test("AWS's own validator, in strict mode, finds nothing in what the compiler writes", () => {
  const list = readdirSync(testdata, { withFileTypes: true })
    .filter((d) => d.isDirectory())
    .flatMap((d) => readdirSync(join(testdata, d.name)).map((f) => join(testdata, d.name, f)))
    .filter((f) => /\/skerry-(shared|access|(edge|tenants)-\d+)\.(json|yaml)$/.test(f));
  assert.ok(list.length >= 16, `${list.length} templates in ${testdata}`);
  const engine = new CelEngine();
  const found: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'skerry-validate-'));
  try {
    const wrong = join(folder, 'wrong.json'); // the judge is awake
    writeFileSync(wrong, readFileSync(join(testdata, 'shop', 'skerry-edge-01.json'), 'utf8').replace('"ViewerProtocolPolicy"', '"ViewerProtocol"'));
    const first = engine.validateStandard(new TemplateFile(wrong), { strict: true, severityLevel: 'WARN' });
    assert.ok(first.diagnostics.some((d) => d.message.includes('ViewerProtocol')), JSON.stringify(first.diagnostics));
    for (const file of list) {
      for (const d of engine.validateStandard(new TemplateFile(file), { strict: true, severityLevel: 'WARN' }).diagnostics) {
        if (!(d.ruleId in accepted)) found.push(`${file}: ${d.severity} ${d.ruleId} ${JSON.stringify(d)}`);
      }
    }
  } finally {
    engine.free();
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual(found, []);
});
