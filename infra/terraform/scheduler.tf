resource "google_cloud_scheduler_job" "tick" {
  name             = "${var.prefix}-tick"
  description      = "Timers that are due, and messages that may have been lost."
  region           = var.region
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.function["tick"].service_config[0].uri

    oidc_token {
      service_account_email = local.caller["tick"]
      audience              = google_cloudfunctions2_function.function["tick"].service_config[0].uri
    }
  }

  retry_config {
    retry_count = 0 # the next one comes within a minute
  }

  depends_on = [google_cloud_run_v2_service_iam_member.caller]
}

resource "google_cloud_scheduler_job" "drill" {
  for_each = local.stacks

  name             = "${var.prefix}-drill-${each.key}"
  description      = "The rollback drill of ${each.key}."
  region           = var.region
  schedule         = var.drill_schedule
  time_zone        = var.time_zone
  attempt_deadline = "60s"

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.function["drill"].service_config[0].uri
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ drill = "rollback", stack = each.key, apply = var.drill_apply }))

    oidc_token {
      service_account_email = local.caller["drill"]
      audience              = google_cloudfunctions2_function.function["drill"].service_config[0].uri
    }
  }

  retry_config {
    retry_count          = 5
    min_backoff_duration = "5s"
    max_backoff_duration = "60s"
  }

  depends_on = [google_cloud_run_v2_service_iam_member.caller]
}
