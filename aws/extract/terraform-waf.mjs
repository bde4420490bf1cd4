// The statements of AWS WAF in Terraform's spelling and nesting, from the types of ../schema/cfn.json. The provider nests them three deep:
// below a rule's statement, `and`, `or` and `not` may follow each other three times, and a scope-down statement counts as one of them.
import { readFileSync } from 'node:fs';

export const nestingMax = 3;

// Names that are not the plain form of CloudFormation's: lists of blocks are named in the singular.
const renamed = {
  TextTransformations: 'text_transformation', Statements: 'statement', CustomKeys: 'custom_key', RuleActionOverrides: 'rule_action_override',
  InsertHeaders: 'insert_header', ResponseHeaders: 'response_header', ExemptUriRegularExpressions: 'exempt_uri_regular_expression',
};
// What provider 6.25 does not have.
const absent = ['ExcludedRules', 'PreParseTextTransformations', 'SearchStringBase64', 'Monetize', 'AddressFields', 'PhoneNumberFields'];
const sets = ['text_transformation', 'insert_header', 'response_header'];
const setsOfText = ['failure_strings', 'success_strings', 'failure_values', 'success_values', 'failure_codes', 'success_codes'];
// Required by the provider, or not, against what CloudFormation says.
const required = { search_string: true, aggregate_key_type: false, country_codes: true, asn_list: true };
const most = { custom_key: 5, rule_action_override: 100, exempt_uri_regular_expression: 5, managed_rule_group_configs: 0, statement: 0, text_transformation: 0, insert_header: 0, response_header: 0 };

export const snake = (s) => s.replace('CloudWatch', 'Cloudwatch').replace('CloudFront', 'Cloudfront').replace('DDoS', 'Ddos')
  .replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z])([A-Z][a-z])/g, '$1_$2').toLowerCase();

const { types } = JSON.parse(readFileSync(new URL('../schema/cfn.json', import.meta.url)));
const prefix = 'AWS::WAFv2::WebACL.';
const scalar = { string: 'string', integer: 'number', number: 'number', boolean: 'bool' };
const logic = ['AndStatement', 'OrStatement', 'NotStatement'];
const rootOnly = ['ManagedRuleGroupStatement', 'RateBasedStatement', 'RuleGroupReferenceStatement'];

// Types of statements by name: "acl" and "group" are what a rule has, "statement.N" what may nest N deep below.
export function statements() {
  const out = {};
  for (let level = 1; level <= nestingMax; level++) out[`statement.${level}`] = statement(level - 1, []);
  out['acl'] = statement(nestingMax, rootOnly);
  out['group'] = statement(nestingMax, ['RateBasedStatement']);
  for (const name of ['FieldToMatch', 'RuleAction']) out[name] = block(types[prefix + name].properties, 0);
  return out;
}

function statement(level, more) {
  const all = types[prefix + 'Statement'].properties;
  const keep = Object.entries(all).filter(([n]) => (logic.includes(n) ? level > 0 : !rootOnly.includes(n) || more.includes(n)));
  return block(Object.fromEntries(keep), level);
}

function block(properties, level) {
  const out = { attributes: {}, blocks: {} };
  for (const [name, p] of Object.entries(properties)) {
    if (absent.includes(name)) continue;
    const to = renamed[name] ?? snake(name);
    const must = required[to] ?? p.required === true;
    const list = p.type.startsWith('list ');
    const type = p.type.replace('list ', '');
    if (scalar[type]) {
      out.attributes[to] = `${list ? (setsOfText.includes(to) ? 'set ' : 'list ') : ''}${scalar[type]} ${must ? '!' : '?'}`;
      continue;
    }
    const max = most[to] ?? 1;
    out.blocks[to] = { nesting: sets.includes(to) ? 'set' : 'list', ...(must ? { min: 1 } : {}), ...(max ? { max } : {}), ...inner(type, level) };
  }
  for (const part of ['attributes', 'blocks']) {
    if (!Object.keys(out[part]).length) delete out[part];
    else out[part] = Object.fromEntries(Object.entries(out[part]).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return out;
}

function inner(type, level) {
  if (type === 'json') return {}; // an empty block
  if (type === prefix + 'Statement') return { of: `statement.${level}` };
  if (type === prefix + 'FieldToMatch') return { of: 'FieldToMatch' };
  if (type === prefix + 'RuleAction') return { of: 'RuleAction' };
  return block(types[type].properties, level);
}
