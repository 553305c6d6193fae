# Contents are copied to another region by S3 itself, if var.replica names a bucket there.

locals {
  replicas = var.replica == null ? {} : { content = var.replica }
}

resource "aws_s3_bucket_versioning" "content" {
  for_each = local.replicas
  bucket   = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_iam_role" "replication" {
  for_each = local.replicas
  name     = "docstore-replication-${var.buckets.content}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "replication" {
  for_each = local.replicas
  name     = "replicate"
  role     = aws_iam_role.replication[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = aws_s3_bucket.this[each.key].arn
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
        Resource = "${aws_s3_bucket.this[each.key].arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
        Resource = "${each.value.bucket_arn}/*"
      },
      { Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.contents.arn },
      { Effect = "Allow", Action = "kms:Encrypt", Resource = each.value.key_arn },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "content" {
  for_each   = local.replicas
  depends_on = [aws_s3_bucket_versioning.content]
  bucket     = aws_s3_bucket.this[each.key].id
  role       = aws_iam_role.replication[each.key].arn

  rule {
    id     = "contents"
    status = "Enabled"

    filter {
      prefix = "accounts/"
    }

    delete_marker_replication {
      status = "Enabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket        = each.value.bucket_arn
      storage_class = "STANDARD_IA"

      encryption_configuration {
        replica_kms_key_id = each.value.key_arn
      }
    }
  }
}
