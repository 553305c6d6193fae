output "url" {
  value       = "https://${var.host}"
  description = "DOCSTORE_CDN_URL and GATEWAY_ASSET_URL; cdn.url of the chart"
}

output "domain_name" {
  value       = aws_cloudfront_distribution.this.domain_name
  description = "where the name of the CDN leads"
}

output "key_id" {
  value       = aws_cloudfront_public_key.docstore.id
  description = "DOCSTORE_CDN_KEY_ID; cdn.keyId of the chart"
}

output "distribution_arn" {
  value       = aws_cloudfront_distribution.this.arn
  description = "reader of the buckets"
}
