// What @cdktf/provider-aws does not have, from the provider's documentation: the resources of multi-tenant distributions (6.28.0 and later)
// and the ephemeral password of Secrets Manager. Nothing has checked it against the provider itself.
const policies = {
  cache_policy_id: 'string ?', compress: 'bool ?=', field_level_encryption_id: 'string ?', origin_request_policy_id: 'string ?',
  realtime_log_config_arn: 'string ?', response_headers_policy_id: 'string ?', target_origin_id: 'string !', viewer_protocol_policy: 'string !',
};
const associations = {
  allowed_methods: { nesting: 'list', min: 1, max: 1, attributes: { cached_methods: 'set string !', items: 'set string !' } },
  function_association: { nesting: 'list', attributes: { event_type: 'string !', function_arn: 'string !' } },
  lambda_function_association: { nesting: 'list', attributes: { event_type: 'string !', include_body: 'bool ?=', lambda_arn: 'string !' } },
  trusted_key_groups: { nesting: 'list', max: 1, attributes: { enabled: 'bool ?=', items: 'list string ?' } },
};
const tags = { tags: 'map string ?', tags_all: 'map string =' };

export const byHand = {
  note: 'aws_cloudfront_multitenant_distribution, aws_cloudfront_distribution_tenant and aws_cloudfront_connection_group (6.28.0 and later) invoked_via_function_url of aws_lambda_permission (6.29.0 and later) and the ephemeral resource, from the documentation of the provider; unverified',
  // Attributes of resources that the package has, in later versions of the provider.
  attributes: {
    aws_lambda_permission: { invoked_via_function_url: 'bool ?' }, // 6.29.0
  },
  resources: {
    aws_cloudfront_connection_group: {
      attributes: {
        anycast_ip_list_id: 'string ?', arn: 'string =', enabled: 'bool ?=', etag: 'string =', id: 'string =', ipv6_enabled: 'bool ?=', is_default: 'bool =',
        last_modified_time: 'string =', name: 'string !', routing_endpoint: 'string =', status: 'string =', ...tags, wait_for_deployment: 'bool ?=',
      },
    },
    aws_cloudfront_distribution_tenant: {
      attributes: {
        arn: 'string =', connection_group_id: 'string ?=', distribution_id: 'string !', enabled: 'bool ?=', etag: 'string =', id: 'string =', name: 'string !',
        status: 'string =', ...tags, wait_for_deployment: 'bool ?=',
      },
      blocks: {
        customizations: {
          nesting: 'list', max: 1, blocks: {
            certificate: { nesting: 'list', max: 1, attributes: { arn: 'string ?' } },
            geo_restriction: { nesting: 'list', max: 1, attributes: { locations: 'set string ?=', restriction_type: 'string ?' } },
            web_acl: { nesting: 'list', max: 1, attributes: { action: 'string ?', arn: 'string ?' } },
          },
        },
        domain: { nesting: 'set', min: 1, attributes: { domain: 'string !', status: 'string =' } },
        managed_certificate_request: {
          nesting: 'list', max: 1,
          attributes: { certificate_transparency_logging_preference: 'string ?', primary_domain_name: 'string ?', validation_token_host: 'string ?' },
        },
        parameter: { nesting: 'set', attributes: { name: 'string !', value: 'string !' } },
      },
    },
    aws_cloudfront_multitenant_distribution: {
      attributes: {
        arn: 'string =', caller_reference: 'string =', comment: 'string !', connection_mode: 'string =', default_root_object: 'string ?', domain_name: 'string =',
        enabled: 'bool !', etag: 'string =', http_version: 'string ?=', id: 'string =', in_progress_invalidation_batches: 'number =', last_modified_time: 'string =',
        status: 'string =', ...tags, web_acl_id: 'string ?',
      },
      blocks: {
        cache_behavior: { nesting: 'list', attributes: { ...policies, path_pattern: 'string !' }, blocks: associations },
        custom_error_response: {
          nesting: 'list', attributes: { error_caching_min_ttl: 'number ?=', error_code: 'number !', response_code: 'string ?', response_page_path: 'string ?' },
        },
        default_cache_behavior: { nesting: 'list', min: 1, max: 1, attributes: policies, blocks: associations },
        origin: {
          nesting: 'list', min: 1,
          attributes: {
            connection_attempts: 'number ?=', connection_timeout: 'number ?=', domain_name: 'string !', id: 'string !', origin_access_control_id: 'string ?',
            origin_path: 'string ?', response_completion_timeout: 'number ?=',
          },
          blocks: {
            custom_header: { nesting: 'list', attributes: { header_name: 'string !', header_value: 'string !' } },
            custom_origin_config: {
              nesting: 'list', max: 1,
              attributes: {
                http_port: 'number !', https_port: 'number !', ip_address_type: 'string ?', origin_keepalive_timeout: 'number ?=', origin_protocol_policy: 'string !',
                origin_read_timeout: 'number ?=', origin_ssl_protocols: 'set string !',
              },
            },
            origin_shield: { nesting: 'list', max: 1, attributes: { enabled: 'bool !', origin_shield_region: 'string ?' } },
            vpc_origin_config: {
              nesting: 'list', max: 1,
              attributes: { origin_keepalive_timeout: 'number ?=', origin_read_timeout: 'number ?=', owner_account_id: 'string ?', vpc_origin_id: 'string !' },
            },
          },
        },
        origin_group: {
          nesting: 'list', attributes: { origin_id: 'string !' }, blocks: {
            failover_criteria: { nesting: 'list', min: 1, max: 1, attributes: { status_codes: 'set number !' } },
            member: { nesting: 'list', min: 2, max: 2, attributes: { origin_id: 'string !' } },
          },
        },
        restrictions: {
          nesting: 'list', max: 1, blocks: {
            geo_restriction: { nesting: 'list', min: 1, max: 1, attributes: { items: 'set string ?', restriction_type: 'string !' } },
          },
        },
        tenant_config: {
          nesting: 'list', min: 1, max: 1, blocks: {
            parameter_definition: {
              nesting: 'list', attributes: { name: 'string !' }, blocks: {
                definition: {
                  nesting: 'list', blocks: {
                    string_schema: { nesting: 'list', attributes: { comment: 'string ?', default_value: 'string ?', required: 'bool !' } },
                  },
                },
              },
            },
          },
        },
        viewer_certificate: {
          nesting: 'list', min: 1, max: 1,
          attributes: {
            acm_certificate_arn: 'string ?', cloudfront_default_certificate: 'bool ?', minimum_protocol_version: 'string ?=', ssl_support_method: 'string ?=',
          },
        },
      },
    },
  },
  ephemeral: {
    aws_secretsmanager_random_password: {
      attributes: {
        exclude_characters: 'string ?', exclude_lowercase: 'bool ?', exclude_numbers: 'bool ?', exclude_punctuation: 'bool ?', exclude_uppercase: 'bool ?',
        include_space: 'bool ?', password_length: 'number ?', random_password: 'string =', region: 'string ?=', require_each_included_type: 'bool ?',
      },
    },
  },
};
