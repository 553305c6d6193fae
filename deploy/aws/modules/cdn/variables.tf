variable "name" {
  type        = string
  description = "name of the distribution's parts"
}

variable "host" {
  type        = string
  description = "name of the CDN, an alias of the output domain_name: cdn.files.example.org"
}

variable "certificate_arn" {
  type        = string
  description = "certificate of that name in us-east-1; CloudFront's own would admit TLS 1.0"
}

variable "public_url" {
  type        = string
  description = "the gateway's address: origin of the assets, and the page that reads contents"
}

variable "domain_names" {
  type        = map(string)
  description = "addresses of the buckets, by content and processed"
}

variable "public_key_pem" {
  type        = string
  description = "public key of DOCSTORE_CDN_PRIVATE_KEY"
}

variable "web_acl_arn" {
  type        = string
  description = "firewall of scope CLOUDFRONT, which is made in us-east-1"
}

variable "log_bucket_domain_name" {
  type        = string
  description = "bucket of access logs"
}

variable "kept_seconds" {
  type        = number
  default     = 86400
  description = "how long the edge keeps a content; also how long after its deletion"
}
