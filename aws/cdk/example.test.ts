import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('cdk synth takes the example, with the validator of AWS on', () => {
  const out = mkdtempSync(join(tmpdir(), 'skerry-cdk-'));
  try {
    const args = ['synth', '--quiet', '--no-notices', '--no-version-reporting', '--output', out];
    const context = ['--context', '@aws-cdk/core:validateAgainstDefaultRules=true', '--app', 'node build/two-teams/app.js'];
    const ran = spawnSync('node_modules/.bin/cdk', [...args, ...context], { encoding: 'utf8', env: { ...process.env, CI: 'true', CDK_DISABLE_CLI_TELEMETRY: 'true' } });
    assert.equal(ran.status, 0, ran.stderr + ran.stdout);
    const templates = readdirSync(out).filter((f) => f.endsWith('.template.json'));
    assert.deepEqual(templates.sort(), ['help.template.json', 'shop.template.json', 'skerry-shared.template.json']);
    for (const name of ['help', 'shop']) {
      const t = JSON.parse(readFileSync(join(out, `${name}.template.json`), 'utf8'));
      const types = Object.values<any>(t.Resources).map((r) => r.Type);
      assert.ok(types.includes('AWS::CloudFront::Distribution'), name);
      assert.ok(!types.includes('AWS::CloudFront::CachePolicy'), `${name} has a policy of its own`);
    }
  } finally {
    rmSync(out, { recursive: true });
  }
});
