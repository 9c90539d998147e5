# Alerts on Switchman itself. They go the way of every alert, through `events`, and to
# var.fallback_emails as well: what is broken may be that way.

locals {
  # Lines that the functions write (functions/edge.py and functions/ingest.py say which). What has
  # a message and nothing else may be stored as text, so both places are looked at.
  says = "(jsonPayload.message=~\"%[1]s\" OR textPayload=~\"%[1]s\")"
  lines = {
    unknown-senders = {
      description = "Requests with a wrong token or signature."
      filter      = format(local.says, "^(unknown bearer token|not believed: )")
      functions   = ["ingest", "slack"]
    }
    rejected-alerts = {
      description = "Alerts that nobody can read."
      filter      = format(local.says, "^rejected an alert: ")
      functions   = ["respond"]
    }
    handled-alerts = {
      description = "Alerts that took effect, or were recorded as unreadable."
      filter      = "labels.event:*"
      functions   = ["respond"]
    }
    errors = {
      description = "Faults of the deployment, and what nobody foresaw."
      filter      = "severity>=ERROR"
      functions   = keys(local.functions)
    }
  }

  of_function = { for name in keys(local.functions) :
    name => "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${google_cloudfunctions2_function.function[name].name}\""
  }
  of_line = { for name, metric in google_logging_metric.line :
    name => "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${metric.name}\""
  }
  of_subscription = { for name in keys(local.deliveries) :
    name => "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.push[name].name}\""
  }
  of_dead = { for name, subscription in google_pubsub_subscription.dead :
    name => "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${subscription.name}\""
  }

  channels = concat(
    [google_monitoring_notification_channel.events.id],
    [for channel in google_monitoring_notification_channel.email : channel.id],
  )

  # Each alarm's conditions; one that holds is enough. `more_than` is the number that is still
  # well, `align` how the points of five minutes become one. What is counted in the log gives no
  # points while all is quiet: such an alarm ends after `quiet_for`.
  alarms = {
    dead-letters = {
      title     = "dead letters wait"
      severity  = "ERROR"
      advice    = "Messages could not be delivered and were set aside. Read them with `gcloud pubsub subscriptions pull`, mend the cause, and acknowledge them; the alarm ends when none is left."
      quiet_for = null
      conditions = { for topic, of_dead in local.of_dead :
        "dead letters of ${topic}" => {
          filter    = "${of_dead} AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
          align     = "ALIGN_MAX"
          more_than = 0
        }
      }
    }
    waiting = {
      title     = "messages wait too long"
      severity  = "CRITICAL"
      advice    = "A function does not keep up, or fails again and again: its log says why."
      quiet_for = null
      conditions = { for name, of_subscription in local.of_subscription :
        "oldest message for ${name}" => {
          filter    = "${of_subscription} AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
          align     = "ALIGN_MAX"
          more_than = local.deliveries[name].alarm_after
        }
      }
    }
    unknown-senders = {
      title     = "unknown senders"
      severity  = "ERROR"
      advice    = "Requests were answered 401. If a sender of yours has an old token or signing secret, its alerts are lost: Alertmanager does not repeat them."
      quiet_for = "1800s"
      conditions = {
        "wrong token or signature" = {
          filter    = local.of_line["unknown-senders"]
          align     = "ALIGN_DELTA"
          more_than = var.tolerated_unknown_senders
        }
      }
    }
    errors = {
      title     = "errors"
      severity  = "ERROR"
      advice    = "A function is not set up as it must be, or something unforeseen happened. The lines of severity ERROR name it."
      quiet_for = "1800s"
      conditions = {
        "errors in the log" = {
          filter    = local.of_line["errors"]
          align     = "ALIGN_DELTA"
          more_than = 0
        }
      }
    }
  }
}

# Where alerts of this project, Switchman's own among them, come in.
resource "google_monitoring_notification_channel" "events" {
  display_name = "Switchman"
  type         = "pubsub"
  labels       = { topic = "projects/${var.project}/topics/${google_pubsub_topic.topic["events"].name}" }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.fallback_emails

  display_name = "Switchman's fallback: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
}

resource "google_logging_metric" "line" {
  for_each = local.lines

  name        = "${var.prefix}-${each.key}"
  description = each.value.description
  filter = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=(${join(" OR ", [for name in each.value.functions : "\"${google_cloudfunctions2_function.function[name].name}\""])})",
    each.value.filter,
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_monitoring_alert_policy" "alarm" {
  for_each = local.alarms

  display_name          = "Switchman: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = each.value.conditions

    content {
      display_name = conditions.key

      condition_threshold {
        filter          = conditions.value.filter
        comparison      = "COMPARISON_GT"
        threshold_value = conditions.value.more_than
        duration        = "0s"

        aggregations {
          alignment_period   = "300s"
          per_series_aligner = conditions.value.align
        }
      }
    }
  }

  dynamic "alert_strategy" {
    for_each = each.value.quiet_for == null ? [] : [each.value.quiet_for]

    content {
      auto_close = alert_strategy.value
    }
  }

  documentation {
    content   = each.value.advice
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "rejected_share" {
  display_name          = "Switchman: too many unreadable alerts"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "share of unreadable alerts"

    condition_threshold {
      filter             = local.of_line["rejected-alerts"]
      denominator_filter = local.of_line["handled-alerts"]
      comparison         = "COMPARISON_GT"
      threshold_value    = var.tolerated_rejected_share
      duration           = "0s"

      aggregations {
        alignment_period     = "900s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }

      denominator_aggregations {
        alignment_period     = "900s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    content   = "A sender sends what cannot be read. `switchman incidents rejected` shows each message with its reason."
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "tick" {
  display_name          = "Switchman: the tick is missing"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "no tick succeeded for five minutes"

    condition_absent {
      filter   = "${local.of_function["tick"]} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"2xx\""
      duration = "300s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "Nobody is paged a second time, and no timer ends, while it is away. Look at the Cloud Scheduler job and at the function's log."
    mime_type = "text/markdown"
  }
}
