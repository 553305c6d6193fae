# All that a region of DocStore needs from AWS, besides its network. Another region is the same with other variables.

provider "aws" {
  region = var.region
}

provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"
}

data "aws_caller_identity" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  buckets = {
    content   = "docstore-content-${var.region}"
    processed = "docstore-processed-${var.region}"
  }
  log_bucket    = "docstore-logs-${var.region}"
  backup_bucket = "docstore-backups-${var.region}"
}

resource "aws_kms_key" "servers" {
  description             = "Disks, secrets and logs of DocStore's servers"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ByPoliciesOfThisAccount"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${local.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "Logs"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${local.account_id}:log-group:*"
          }
        }
      },
    ]
  })
}

module "policies" {
  source           = "../modules/policies"
  account_id       = local.account_id
  region           = var.region
  content_bucket   = local.buckets.content
  processed_bucket = local.buckets.processed
  log_bucket       = local.log_bucket
  backup_bucket    = local.backup_bucket
  key_arn          = module.storage.key_arn
  oidc_provider    = module.cluster.oidc_provider
  mail_domain      = var.mail_domain
}

module "storage" {
  source            = "../modules/storage"
  policies          = module.policies.json
  buckets           = local.buckets
  account_id        = local.account_id
  public_url        = var.public_url
  distribution_arns = [module.cdn.distribution_arn]
  log_bucket        = module.logs.bucket
  replica           = var.replica
}

module "logs" {
  source   = "../modules/logs"
  policies = module.policies.json
  bucket   = local.log_bucket
  key_arn  = aws_kms_key.servers.arn
}

module "roles" {
  source   = "../modules/roles"
  policies = module.policies.json
}

module "cluster" {
  source     = "../modules/cluster"
  name       = var.name
  subnet_ids = var.private_subnet_ids
  key_arn    = aws_kms_key.servers.arn
}

module "kafka" {
  source                   = "../modules/kafka"
  name                     = var.name
  vpc_id                   = var.vpc_id
  subnet_ids               = var.private_subnet_ids
  client_security_group_id = module.cluster.security_group_id
  key_arn                  = aws_kms_key.servers.arn
  scram_secret_arns        = var.kafka_secret_arns
}

module "atlas" {
  source                   = "../modules/atlas"
  peering_connection_id    = var.atlas.peering_connection_id
  atlas_cidr               = var.atlas.cidr
  route_table_ids          = var.route_table_ids
  client_security_group_id = module.cluster.security_group_id
}

module "search" {
  source                   = "../modules/search"
  name                     = var.name
  vpc_id                   = var.vpc_id
  subnet_ids               = var.private_subnet_ids
  client_security_group_id = module.cluster.security_group_id
  key_arn                  = aws_kms_key.servers.arn
  password                 = var.search_password
}

module "waf" {
  source             = "../modules/waf"
  name               = "${var.name}-${var.region}"
  scope              = "REGIONAL"
  load_balancer_arns = var.load_balancer_arns
  key_arn            = aws_kms_key.servers.arn
}

module "cdn_waf" {
  source    = "../modules/waf"
  name      = "${var.name}-${var.region}-cdn"
  scope     = "CLOUDFRONT"
  providers = { aws = aws.us_east_1 }
}

module "cdn" {
  source                 = "../modules/cdn"
  name                   = "${var.name}-${var.region}"
  public_url             = var.public_url
  domain_names           = module.storage.domain_names
  public_key_pem         = var.cdn.public_key_pem
  host                   = var.cdn.host
  certificate_arn        = var.cdn.certificate_arn
  web_acl_arn            = module.cdn_waf.arn
  log_bucket_domain_name = module.logs.domain_name
}
