# Amazon OpenSearch Service in the private network, for INDEXER_ENGINE=opensearch.

variable "name" {
  type        = string
  description = "name of the domain"
}

variable "vpc_id" {
  type        = string
  description = "network"
}

variable "subnet_ids" {
  type        = list(string)
  description = "private subnets, one in each zone"
}

variable "client_security_group_id" {
  type        = string
  description = "security group of the pods"
}

variable "key_arn" {
  type        = string
  description = "KMS key of the disks and logs"
}

variable "user" {
  type        = string
  default     = "docstore"
  description = "INDEXER_OPENSEARCH_USER"
}

variable "password" {
  type        = string
  sensitive   = true
  description = "INDEXER_OPENSEARCH_PASSWORD; the state has it, so keep that encrypted"
}

variable "instance_type" {
  type        = string
  default     = "r7g.large.search"
  description = "size of a node"
}

variable "disk_gib" {
  type        = number
  default     = 100
  description = "disk of a node"
}

resource "aws_security_group" "search" {
  name        = "${var.name}-search"
  description = "Search nodes, reached by the pods alone"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  security_group_id            = aws_security_group.search.id
  description                  = "HTTPS from the pods"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = var.client_security_group_id
}

resource "aws_opensearch_domain" "this" {
  domain_name    = var.name
  engine_version = "OpenSearch_2.19"

  cluster_config {
    instance_type            = var.instance_type
    instance_count           = length(var.subnet_ids)
    dedicated_master_enabled = true
    dedicated_master_count   = 3
    dedicated_master_type    = "m7g.medium.search"
    zone_awareness_enabled   = true

    zone_awareness_config {
      availability_zone_count = length(var.subnet_ids)
    }
  }

  ebs_options {
    ebs_enabled = true
    volume_type = "gp3"
    volume_size = var.disk_gib
  }

  vpc_options {
    subnet_ids         = var.subnet_ids
    security_group_ids = [aws_security_group.search.id]
  }

  encrypt_at_rest {
    enabled    = true
    kms_key_id = var.key_arn
  }

  node_to_node_encryption {
    enabled = true
  }

  domain_endpoint_options {
    enforce_https       = true
    tls_security_policy = "Policy-Min-TLS-1-2-PFS-2023-10"
  }

  advanced_security_options {
    enabled                        = true
    internal_user_database_enabled = true

    master_user_options {
      master_user_name     = var.user
      master_user_password = var.password
    }
  }
}

output "url" {
  value       = "https://${aws_opensearch_domain.this.endpoint}"
  description = "INDEXER_OPENSEARCH_URL"
}
