output "key_arn" {
  value       = aws_kms_key.contents.arn
  description = "KMS key of both buckets"
}

output "domain_names" {
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.bucket_regional_domain_name }
  description = "addresses of the buckets, by content and processed"
}

output "content_arn" {
  value       = aws_s3_bucket.this["content"].arn
  description = "bucket of contents, as another region's replica"
}
