# A web application firewall: before the gateway's load balancer (REGIONAL), or the CDN (CLOUDFRONT, in us-east-1).

variable "name" {
  type        = string
  description = "name of the firewall"
}

variable "scope" {
  type        = string
  description = "REGIONAL or CLOUDFRONT"

  validation {
    condition     = contains(["REGIONAL", "CLOUDFRONT"], var.scope)
    error_message = "The scope is REGIONAL or CLOUDFRONT."
  }
}

variable "load_balancer_arns" {
  type        = list(string)
  default     = []
  description = "load balancers to protect; with REGIONAL"
}

variable "requests_in_five_minutes" {
  type        = number
  default     = 30000
  description = "most requests of one address; the gateway's own limits are narrower"
}

variable "key_arn" {
  type        = string
  default     = null
  description = "KMS key of the log; null: CloudWatch's own encryption"
}

locals {
  managed_rules = {
    # File contents go to S3; what is left are batches of JSON up to 16 MiB, which the gateway bounds itself.
    AWSManagedRulesCommonRuleSet          = { priority = 10, counted = ["SizeRestrictions_BODY"] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 20, counted = [] }
    AWSManagedRulesAmazonIpReputationList = { priority = 30, counted = [] }
  }
}

resource "aws_wafv2_web_acl" "this" {
  name  = var.name
  scope = var.scope

  default_action {
    allow {}
  }

  rule {
    name     = "too-many-requests"
    priority = 1

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit              = var.requests_in_five_minutes
        aggregate_key_type = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-too-many-requests"
      sampled_requests_enabled   = false
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          dynamic "rule_action_override" {
            for_each = rule.value.counted

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.name}-${rule.key}"
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  for_each     = toset(var.load_balancer_arns)
  resource_arn = each.value
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "aws-waf-logs-${var.name}"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

# URLs of links and signed contents are secrets.
resource "aws_wafv2_web_acl_logging_configuration" "this" {
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.this.arn]

  redacted_fields {
    query_string {}
  }

  redacted_fields {
    uri_path {}
  }

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    single_header {
      name = "cookie"
    }
  }
}

output "arn" {
  value       = aws_wafv2_web_acl.this.arn
  description = "the firewall"
}
