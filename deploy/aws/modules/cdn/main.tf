# CloudFront before both buckets and the page's assets (docs/adr/0035-the-edge.md).

locals {
  gateway = trimprefix(var.public_url, "https://")
}

resource "aws_cloudfront_public_key" "docstore" {
  name        = var.name
  encoded_key = var.public_key_pem
}

resource "aws_cloudfront_key_group" "docstore" {
  name  = var.name
  items = [aws_cloudfront_public_key.docstore.id]
}

resource "aws_cloudfront_origin_access_control" "buckets" {
  name                              = var.name
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# The query names the file and its type, and a pack's ETag: each of them is another response.
resource "aws_cloudfront_cache_policy" "contents" {
  name        = "${var.name}-contents"
  min_ttl     = 0
  default_ttl = var.kept_seconds
  max_ttl     = var.kept_seconds

  parameters_in_cache_key_and_forwarded_to_origin {
    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "all"
    }
  }
}

resource "aws_cloudfront_cache_policy" "assets" {
  name        = "${var.name}-assets"
  min_ttl     = 0
  default_ttl = 86400
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "contents" {
  name = "${var.name}-contents"

  cors_config {
    access_control_allow_credentials = false
    origin_override                  = true

    access_control_allow_headers {
      items = ["Range"]
    }

    access_control_allow_methods {
      items = ["GET", "HEAD"]
    }

    access_control_allow_origins {
      items = [var.public_url]
    }

    access_control_expose_headers {
      items = ["ETag", "Content-Range", "Content-Disposition", "Accept-Ranges"]
    }
  }

  security_headers_config {
    content_type_options {
      override = true
    }

    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  enabled         = true
  aliases         = [var.host]
  comment         = "DocStore: ${var.public_url}"
  http_version    = "http2and3"
  is_ipv6_enabled = true
  price_class     = "PriceClass_All"
  web_acl_id      = var.web_acl_arn

  dynamic "origin" {
    for_each = var.domain_names

    content {
      origin_id                = origin.key
      domain_name              = origin.value
      origin_access_control_id = aws_cloudfront_origin_access_control.buckets.id
    }
  }

  origin {
    origin_id   = "gateway"
    domain_name = local.gateway

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  # The bucket's policy lets the CDN read below accounts/ only, so nothing else is served.
  default_cache_behavior {
    target_origin_id           = "content"
    allowed_methods            = ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "https-only"
    trusted_key_groups         = [aws_cloudfront_key_group.docstore.id]
    cache_policy_id            = aws_cloudfront_cache_policy.contents.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.contents.id
  }

  ordered_cache_behavior {
    path_pattern               = "/previews/*"
    target_origin_id           = "processed"
    allowed_methods            = ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "https-only"
    trusted_key_groups         = [aws_cloudfront_key_group.docstore.id]
    cache_policy_id            = aws_cloudfront_cache_policy.contents.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.contents.id
  }

  ordered_cache_behavior {
    path_pattern           = "/assets/*"
    target_origin_id       = "gateway"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    viewer_protocol_policy = "https-only"
    cache_policy_id        = aws_cloudfront_cache_policy.assets.id
  }

  logging_config {
    bucket          = var.log_bucket_domain_name
    prefix          = "cloudfront/"
    include_cookies = false
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }
}
