# Amazon MSK: three brokers, TLS, a user for each service (SCRAM), rules by deploy/policies/kafka.

variable "name" {
  type        = string
  description = "name of the cluster"
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
  description = "KMS key of the disks"
}

variable "scram_secret_arns" {
  type        = list(string)
  description = "secrets AmazonMSK_<service> with username and password, made outside so that no state has them"
}

variable "instance_type" {
  type        = string
  default     = "kafka.m7g.large"
  description = "size of a broker"
}

variable "disk_gib" {
  type        = number
  default     = 200
  description = "disk of a broker"
}

resource "aws_security_group" "kafka" {
  name        = "${var.name}-kafka"
  description = "Brokers, reached by the pods alone"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  security_group_id            = aws_security_group.kafka.id
  description                  = "SASL_SSL from the pods"
  ip_protocol                  = "tcp"
  from_port                    = 9096
  to_port                      = 9096
  referenced_security_group_id = var.client_security_group_id
}

resource "aws_cloudwatch_log_group" "kafka" {
  name              = "/docstore/${var.name}/kafka"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

resource "aws_msk_configuration" "this" {
  name              = var.name
  kafka_versions    = ["3.9.x"]
  server_properties = <<-EOT
    auto.create.topics.enable=false
    allow.everyone.if.no.acl.found=false
    default.replication.factor=3
    min.insync.replicas=2
    unclean.leader.election.enable=false
  EOT
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.name
  kafka_version          = "3.9.x"
  number_of_broker_nodes = length(var.subnet_ids)

  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnet_ids
    security_groups = [aws_security_group.kafka.id]

    storage_info {
      ebs_storage_info {
        volume_size = var.disk_gib
      }
    }
  }

  client_authentication {
    sasl {
      scram = true
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.key_arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  open_monitoring {
    prometheus {
      jmx_exporter {
        enabled_in_broker = true
      }
    }
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.kafka.name
      }
    }
  }
}

resource "aws_msk_scram_secret_association" "users" {
  cluster_arn     = aws_msk_cluster.this.arn
  secret_arn_list = var.scram_secret_arns
}

output "bootstrap" {
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
  description = "kafka.bootstrap of the chart, with SASL_SSL and SCRAM-SHA-512"
}
