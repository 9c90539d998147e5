output "ingest_url" {
  description = "Where Alertmanager sends its webhooks."
  value       = google_cloudfunctions2_function.function["ingest"].service_config[0].uri
}

output "slack_url" {
  description = "The request URL of the Slack app's interactivity and slash command."
  value       = google_cloudfunctions2_function.function["slack"].service_config[0].uri
}

output "status_service" {
  description = "The Cloud Run service behind the status pages, for gcloud run services proxy."
  value       = google_cloudfunctions2_function.function["status"].name
}

output "notification_channel" {
  description = "The Cloud Monitoring channel to add to alerting policies."
  value       = google_monitoring_notification_channel.events.name
}

output "secrets" {
  description = "The secrets that wait for a value."
  value       = sort([for secret in google_secret_manager_secret.secret : secret.secret_id])
}

output "accounts" {
  description = "The service account of each function."
  value       = local.account
}
