// Writes ../schema/terraform.json: of the schema of Terraform's AWS provider, as @cdktf/provider-aws (MPL-2.0) carries it, what is needed of
// the resources that the emitter writes. That package is 392 MB unpacked, so it is no dependency here: install it elsewhere and name the place:
//   npm install --prefix DIR --ignore-scripts @cdktf/provider-aws@21.22.1 && node terraform.mjs DIR
// Three parts are not in it and are made here: the statements of AWS WAF (typed `any` there) come from ../schema/cfn.json in Terraform's
// spelling; the tenants of CloudFront and the ephemeral password are written down by hand from the provider's documentation.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byHand } from './terraform-hand.mjs';
import { statements } from './terraform-waf.mjs';

const lib = join(process.argv[2] ?? '.', 'node_modules/@cdktf/provider-aws/lib');
const pack = JSON.parse(readFileSync(join(lib, '../package.json')));

const resources = [
  'acm_certificate', 'acm_certificate_validation',
  ...['cache_policy', 'continuous_deployment_policy', 'distribution', 'function', 'key_group', 'key_value_store', 'monitoring_subscription',
    'origin_access_control', 'origin_request_policy', 'realtime_log_config', 'response_headers_policy', 'vpc_origin'].map((n) => `cloudfront_${n}`),
  'cloudwatch_log_delivery', 'cloudwatch_log_delivery_destination', 'cloudwatch_log_delivery_source', 'cloudwatch_log_group',
  'cloudwatch_log_resource_policy', 'iam_policy', 'lambda_permission', 'route53_record', 'route53_zone', 's3_bucket_policy',
  'secretsmanager_secret', 'secretsmanager_secret_rotation', 'secretsmanager_secret_version',
  'wafv2_ip_set', 'wafv2_regex_pattern_set', 'wafv2_rule_group', 'wafv2_web_acl', 'wafv2_web_acl_logging_configuration',
];
const data = ['caller_identity', 'partition', 'region', 'secretsmanager_secret_version'];

const simple = { string: 'string', number: 'number', boolean: 'bool', stringList: 'string', numberList: 'number', stringMap: 'string', numberMap: 'number', booleanMap: 'bool' };
const pascal = (s) => s.replace(/(^|_)([a-z0-9])/g, (_, __, c) => c.toUpperCase());
const camel = (s) => s.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
const sorted = (o) => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));

// One module of the package: a resource or a data source.
class Module {
  constructor(dir) {
    this.js = readFileSync(join(lib, dir, 'index.js'), 'utf8');
    this.types = readFileSync(join(lib, dir, 'index.d.ts'), 'utf8');
    this.root = /^class (\w+) extends cdktf\.Terraform(Resource|DataSource)/m.exec(this.js)[1];
  }

  // The attributes that a text of the module lists, with what each value is made of.
  inputs(text) {
    const at = /^ {8}(?: {4})?(\w+): \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)",/gm;
    return [...text.matchAll(at)].map(([, name, value, isBlock, type, storage]) => ({ name, value, isBlock: isBlock === 'true', type, storage }));
  }

  // Whether the interface says that the attribute may be left out.
  optional(iface, name) {
    const body = new RegExp(`^export interface ${iface} (?:extends [\\w.]+ )?\\{\\n([\\s\\S]*?)\\n\\}`, 'm').exec(this.types)?.[1] ?? '';
    const found = new RegExp(`readonly ${camel(name)}(\\??):`).exec(body);
    if (!found) throw new Error(`${iface} has no ${name}`);
    return found[1] === '?';
  }

  block(inputs, iface) {
    const out = { attributes: {}, blocks: {} };
    for (const i of inputs) {
      if (i.name === 'timeouts') continue;
      const flag = this.optional(iface, i.name) ? (computedToo(i.name) ? '?=' : '?') : '!';
      if (i.storage === 'any') {
        out.blocks[i.name] = { nesting: 'list', min: 1, max: 1, of: iface.startsWith('Wafv2WebAcl') ? 'acl' : 'group' };
        continue;
      }
      if (!i.isBlock) {
        const of = simple[i.storage] ?? fail(`${iface}.${i.name}: ${i.storage}`);
        out.attributes[i.name] = `${i.type === 'simple' ? '' : i.type + ' '}${of} ${flag}`;
        continue;
      }
      const made = /(\w+)ToHclTerraform\b/.exec(i.value)[1];
      const type = made[0].toUpperCase() + made.slice(1);
      const body = new RegExp(`^function ${made}ToHclTerraform\\([\\s\\S]*?^\\}`, 'm').exec(this.js)[0];
      const inner = this.block(this.inputs(body), type);
      if (/, false\)\(/.test(i.value)) { // an attribute whose value is objects
        out.attributes[i.name] = `${i.type} {${Object.entries(inner.attributes).map(([n, t]) => `${n} ${t.split(' ')[0]}`).join(', ')}} ${flag}=`;
        continue;
      }
      const many = i.value.startsWith('cdktf.listMapperHcl');
      if (i.type === 'struct') fail(`${iface}.${i.name}: a single block`);
      out.blocks[i.name] = { nesting: i.type, ...(flag === '!' ? { min: 1 } : {}), ...(many ? {} : { max: 1 }), ...inner };
    }
    return tidy(out);
  }

  // What only the provider knows, by the getters of a class.
  computed(cls) {
    const body = new RegExp(`^class ${cls} extends [\\s\\S]*?^\\}`, 'm').exec(this.js)[0];
    const out = {};
    for (const [, name] of body.matchAll(/\/\/ (\w+) - computed: true, optional: false, required: false/g)) {
      const plain = new RegExp(`(?:this\\.get(\\w+)Attribute|cdktf\\.Fn\\.tolist\\(this\\.getListAttribute)\\('${name}'\\)`).exec(body);
      const list = new RegExp(`new (\\w+)List\\(this, "${name}", (true|false)\\)`).exec(body);
      const map = new RegExp(`new cdktf\\.(String|Number|Boolean)Map\\(this, "${name}"\\)`).exec(body);
      if (list) {
        const inner = Object.entries(this.computed(`${list[1]}OutputReference`)).filter(([, t]) => !t.includes('{'));
        out[name] = `${list[2] === 'true' ? 'set' : 'list'} {${inner.map(([n, t]) => `${n} ${t.replace(/ =$/, '')}`).join(', ')}} =`;
      } else if (map) out[name] = `map ${simple[map[1].toLowerCase()]} =`;
      else if (plain) out[name] = { String: 'string =', Number: 'number =', Boolean: 'bool =', List: 'list string =' }[plain[1]] ?? 'set string =';
      else throw new Error(`${cls}.${name}: what is it?`);
    }
    return out;
  }

  read() {
    const body = /synthesizeHclAttributes\(\) \{[\s\S]*?^    \}/m.exec(this.js)[0];
    const out = this.block(this.inputs(body), `${this.root}Config`);
    out.attributes = sorted({ ...this.computed(this.root), ...out.attributes });
    return out;
  }
}

// The package does not say which optional attributes the provider fills in; these it does, in every resource that has them.
const computedToo = (name) => ['id', 'region', 'tags_all', 'name_prefix', 'field_delimiter', 'record_fields'].includes(name);

function tidy(b) {
  if (!Object.keys(b.attributes).length) delete b.attributes; else b.attributes = sorted(b.attributes);
  if (!Object.keys(b.blocks).length) delete b.blocks; else b.blocks = sorted(b.blocks);
  return b;
}

function fail(text) {
  throw new Error(text);
}

const out = { resources: {}, data: {}, ephemeral: {}, types: statements() };
for (const name of resources) out.resources[`aws_${name}`] = new Module(name.replaceAll('_', '-')).read();
for (const name of data) out.data[`aws_${name}`] = new Module(`data-aws-${name.replaceAll('_', '-')}`).read();
out.resources.aws_secretsmanager_secret_version.attributes.secret_string_wo += '~';
out.resources.aws_secretsmanager_secret_version.attributes.has_secret_string_wo ??= 'bool =';
for (const [name, more] of Object.entries(byHand.attributes)) out.resources[name].attributes = sorted({ ...out.resources[name].attributes, ...more });
for (const part of ['resources', 'ephemeral']) out[part] = sorted({ ...out[part], ...byHand[part] });

const lines = (o) => '{\n' + Object.entries(o).map(([n, v]) => `  ${JSON.stringify(n)}: ${JSON.stringify(v)}`).join(',\n') + '\n }';
const text = `{
 "source": ${JSON.stringify(`schema of hashicorp/aws ${pack.cdktf.provider.version} from @cdktf/provider-aws ${pack.version}, MPL-2.0; statements of AWS WAF from cfn.json`)},
 "version": ${JSON.stringify(pack.cdktf.provider.version)},
 "byHand": ${JSON.stringify(byHand.note)},
${['resources', 'data', 'ephemeral', 'types'].map((p) => ` "${p}": ${lines(out[p])}`).join(',\n')}
}
`;
writeFileSync(new URL('../schema/terraform.json', import.meta.url), text);
console.log(`${Object.keys(out.resources).length} resources, ${Object.keys(out.data).length} data sources, ${text.length} bytes`);
