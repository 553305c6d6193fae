# One name for all regions: by latency (Route 53), or by two fixed addresses (Global Accelerator).

provider "aws" {
  region = "us-west-2"
}

variable "zone_id" {
  type        = string
  description = "hosted zone"
}

variable "host" {
  type        = string
  description = "name that leads to the nearest region: files.example.org"
}

variable "regions" {
  type = map(object({
    host              = string
    load_balancer_arn = string
    load_balancer_dns = string
    load_balancer_zid = string
  }))
  description = "by AWS region: name of its own (us.files.example.org), load balancer of its ingress, its name and hosted zone"
}

variable "accelerate" {
  type        = bool
  default     = false
  description = "whether `host` leads to a Global Accelerator"
}

# Each region under its own name, which its accounts are redirected to, and which `docstore regions` measures.
resource "aws_route53_record" "region" {
  for_each = var.regions
  zone_id  = var.zone_id
  name     = each.value.host
  type     = "A"

  alias {
    name                   = each.value.load_balancer_dns
    zone_id                = each.value.load_balancer_zid
    evaluate_target_health = true
  }
}

resource "aws_route53_health_check" "region" {
  for_each          = var.regions
  fqdn              = each.value.host
  port              = 443
  type              = "HTTPS"
  resource_path     = "/healthz"
  request_interval  = 10
  failure_threshold = 3
}

resource "aws_route53_record" "nearest" {
  for_each        = { for region, each in var.regions : region => each if !var.accelerate }
  zone_id         = var.zone_id
  name            = var.host
  type            = "A"
  set_identifier  = each.key
  health_check_id = aws_route53_health_check.region[each.key].id

  latency_routing_policy {
    region = each.key
  }

  alias {
    name                   = each.value.load_balancer_dns
    zone_id                = each.value.load_balancer_zid
    evaluate_target_health = true
  }
}

resource "aws_globalaccelerator_accelerator" "this" {
  count           = var.accelerate ? 1 : 0
  name            = "docstore"
  ip_address_type = "DUAL_STACK"
}

resource "aws_globalaccelerator_listener" "https" {
  count           = var.accelerate ? 1 : 0
  accelerator_arn = aws_globalaccelerator_accelerator.this[0].arn
  protocol        = "TCP"

  port_range {
    from_port = 443
    to_port   = 443
  }
}

resource "aws_globalaccelerator_endpoint_group" "region" {
  for_each                      = { for region, each in var.regions : region => each if var.accelerate }
  listener_arn                  = aws_globalaccelerator_listener.https[0].arn
  endpoint_group_region         = each.key
  health_check_protocol         = "HTTPS"
  health_check_path             = "/healthz"
  health_check_interval_seconds = 10

  endpoint_configuration {
    endpoint_id                    = each.value.load_balancer_arn
    client_ip_preservation_enabled = true
  }
}

resource "aws_route53_record" "accelerated" {
  count   = var.accelerate ? 1 : 0
  zone_id = var.zone_id
  name    = var.host
  type    = "A"

  alias {
    name                   = aws_globalaccelerator_accelerator.this[0].dns_name
    zone_id                = aws_globalaccelerator_accelerator.this[0].hosted_zone_id
    evaluate_target_health = false
  }
}
