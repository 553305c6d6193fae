# The bucket of access logs of the store and the CDN, which analytics reads, and the group of the services' own logs,
# which the gateway searches.

variable "policies" {
  type        = map(string)
  description = "rendered files of deploy/policies/aws"
}

variable "bucket" {
  type        = string
  description = "name of the bucket"
}

variable "key_arn" {
  type        = string
  description = "KMS key of the services' logs"
}

locals {
  public_access   = jsondecode(var.policies["bucket-public-access-block"])
  lifecycle_rules = jsondecode(var.policies["log-bucket-lifecycle"]).Rules
}

resource "aws_s3_bucket" "logs" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = local.public_access.BlockPublicAcls
  block_public_policy     = local.public_access.BlockPublicPolicy
  ignore_public_acls      = local.public_access.IgnorePublicAcls
  restrict_public_buckets = local.public_access.RestrictPublicBuckets
}

# CloudFront's standard logs are delivered by a grant, which it adds itself.
resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

# S3 does not deliver logs into a bucket with a KMS key of its own.
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = var.policies["log-bucket-policy"]
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  dynamic "rule" {
    for_each = local.lifecycle_rules

    content {
      id     = rule.value.ID
      status = rule.value.Status

      filter {
        prefix = rule.value.Filter.Prefix
      }

      expiration {
        days = rule.value.Expiration.Days
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "services" {
  name              = "/docstore/services"
  retention_in_days = 30
  kms_key_id        = var.key_arn
}

output "domain_name" {
  value       = aws_s3_bucket.logs.bucket_domain_name
  description = "address, for CloudFront"
  depends_on  = [aws_s3_bucket_ownership_controls.logs]
}

output "bucket" {
  value       = aws_s3_bucket.logs.id
  description = "name of the bucket, once it takes logs"
  depends_on  = [aws_s3_bucket_policy.logs]
}
