# Buckets of contents and previews, private and encrypted with one key.

locals {
  lifecycle_rules = jsondecode(var.policies["bucket-lifecycle"]).Rules
  encryption      = jsondecode(var.policies["bucket-encryption"]).Rules[0]
  public_access   = jsondecode(var.policies["bucket-public-access-block"])
  cors_rules      = jsondecode(var.policies["bucket-cors"]).CORSRules
  log_prefixes    = { content = jsondecode(var.policies["bucket-logging"]).LoggingEnabled.TargetPrefix, processed = "previews/" }
  read_by_cdn     = { content = "accounts/*", processed = "previews/*" }
}

resource "aws_kms_key" "contents" {
  description             = "DocStore's contents and previews"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_key_policy" "contents" {
  key_id = aws_kms_key.contents.key_id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "ByPoliciesOfThisAccount"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      }],
      [for arn in var.distribution_arns : {
        Sid       = "ReadByCdn"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringEquals = { "AWS:SourceArn" = arn } }
      }],
    )
  })
}

resource "aws_s3_bucket" "this" {
  for_each = var.buckets
  bucket   = each.value

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = aws_s3_bucket.this
  bucket                  = each.value.id
  block_public_acls       = local.public_access.BlockPublicAcls
  block_public_policy     = local.public_access.BlockPublicPolicy
  ignore_public_acls      = local.public_access.IgnorePublicAcls
  restrict_public_buckets = local.public_access.RestrictPublicBuckets
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id

  rule {
    bucket_key_enabled = local.encryption.BucketKeyEnabled

    apply_server_side_encryption_by_default {
      sse_algorithm     = local.encryption.ApplyServerSideEncryptionByDefault.SSEAlgorithm
      kms_master_key_id = local.encryption.ApplyServerSideEncryptionByDefault.KMSMasterKeyID
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      jsondecode(replace(var.policies["bucket-policy"], var.buckets.content, each.value.bucket)).Statement,
      [for arn in var.distribution_arns : {
        Sid       = "ReadByCdn"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${each.value.arn}/${local.read_by_cdn[each.key]}"
        Condition = { StringEquals = { "AWS:SourceArn" = arn } }
      }],
    )
  })
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id

  dynamic "rule" {
    for_each = local.lifecycle_rules

    content {
      id     = rule.value.ID
      status = rule.value.Status

      filter {
        prefix = try(rule.value.Filter.Prefix, null)

        dynamic "and" {
          for_each = try([rule.value.Filter.And], [])

          content {
            prefix = try(and.value.Prefix, null)
            tags   = { for tag in and.value.Tags : tag.Key => tag.Value }
          }
        }
      }

      dynamic "abort_incomplete_multipart_upload" {
        for_each = try([rule.value.AbortIncompleteMultipartUpload], [])

        content {
          days_after_initiation = abort_incomplete_multipart_upload.value.DaysAfterInitiation
        }
      }

      dynamic "transition" {
        for_each = try(rule.value.Transitions, [])

        content {
          days          = transition.value.Days
          storage_class = transition.value.StorageClass
        }
      }
    }
  }

  # Replication needs versions; what DocStore deletes or replaces is not kept by them.
  dynamic "rule" {
    for_each = var.replica != null && each.key == "content" ? [1] : []

    content {
      id     = "no-old-versions"
      status = "Enabled"

      filter {
        prefix = ""
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }

      expiration {
        expired_object_delete_marker = true
      }
    }
  }
}

resource "aws_s3_bucket_cors_configuration" "content" {
  bucket = aws_s3_bucket.this["content"].id

  dynamic "cors_rule" {
    for_each = local.cors_rules

    content {
      allowed_origins = [var.public_url]
      allowed_methods = cors_rule.value.AllowedMethods
      allowed_headers = cors_rule.value.AllowedHeaders
      expose_headers  = cors_rule.value.ExposeHeaders
      max_age_seconds = cors_rule.value.MaxAgeSeconds
    }
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each      = aws_s3_bucket.this
  bucket        = each.value.id
  target_bucket = var.log_bucket
  target_prefix = local.log_prefixes[each.key]
}
